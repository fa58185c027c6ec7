"""``python -m asr <stage> [options]``: one stage, from the command line."""

import argparse
import errno
import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from asr.config_load import ROOT, load_config, load_model_config
from asr.errors import RecipeError, UsageError
from asr.failures import check_failures
from asr.job import DECODERS, Job, Paths
from asr.model_dir import BUNDLED, CONFIG, choose_model_dir, read_manifest
from asr.owner import check_owner
from asr.stage import Peers, Stage, check_needed, check_ready, entry_point, run_stage
from asr.stages import STAGES

TRAIN, TUNE, DECODE = 6, 7, 8  # numbers of the stages
DEFAULT_CORPUS = "synth"
# The stage whose configuration they read.
COMMANDS = {"train_lm": 4, "rescore": 8, "report": 9}
# Commands that have options of their own.
OWN_OPTIONS = (
    "config_reference",
    "decode_log_probs",
    "fetch_audio",
    "fetch_model",
    "sample_audio",
)
STAGE_NAMES = tuple(stage.name for stage in STAGES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code. User errors are one line on stderr."""
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except RecipeError as error:
        print(f"error: {_rank()}{error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 128 + signal.SIGINT
    except OSError as error:
        print(f"error: {_rank()}{_file_problem(error)}", file=sys.stderr)
        return 1


def _file_problem(error: OSError) -> str:
    """One line for what the system refuses, such as a file where a folder should be.

    Raises:
        OSError: the error itself, if it names no file: nothing a user could mend.
    """
    if error.errno == errno.ENOSPC:
        where = f" while writing {error.filename}" if error.filename else ""
        return (
            f"the disk is full{where}; free some space and run the same command again, "
            "it goes on from here"
        )
    if error.filename is None:
        raise error
    return f"{error.filename}: {(error.strerror or str(error)).lower()}"


def _run(arguments: list[str]) -> int:
    parser = build_parser()
    if arguments[:1] == ["score"] and not is_stage_call(parser, arguments[1:]):
        from asr.bin.score_files import run as score_files

        return score_files(arguments[1:])
    if arguments[:1] == ["augment_gallery"]:
        return _augment_gallery(arguments)
    if arguments[:1] and arguments[0] in OWN_OPTIONS:
        own: Callable[[Sequence[str]], int]
        own = import_module(f"asr.bin.{arguments[0]}").run
        return own(arguments[1:])
    if arguments[:1] == ["export"]:
        return _export(arguments)
    if arguments[:1] == ["pictures"]:
        return _pictures(arguments)
    if arguments[:1] and arguments[0] in COMMANDS:
        return _command(arguments)
    options = parser.parse_args(arguments)
    stage = next(s for s in STAGES if s.name == options.stage)
    job = make_job(options, stage.number)
    if "WORLD_SIZE" in os.environ and "RANK" in os.environ:  # set by torchrun
        return _run_together(stage, job)
    if job.config.train.one_batch:
        check_ready(stage, job, STAGES)
        entry_point(stage)(job)
        return 0
    ran = run_stage(stage, job, STAGES)
    if stage.name == "score" and not ran:
        from asr.bin.score import show

        show(job)
    if stage.name == "decode" and job.test_dir is not None:
        check_failures(job)
    return 0


def split_settings(text: str) -> list[str]:
    """Split ``--set`` as a shell would.

    Raises:
        UsageError: a quotation that does not end.
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--set {text!r}: {error}") from error


def _run_together(stage: Stage, job: Job) -> int:
    """Run stage 6 as one of the processes of ``torchrun``.

    Raises:
        UsageError: another stage, or a mode that is for one process.
    """
    if stage.name != "train" or job.config.train.one_batch:
        raise UsageError("torchrun is for stage 6 (train), without train.one_batch")
    from asr.train.world import joined

    with joined() as world:
        run_stage(stage, job, STAGES, Peers(world.is_main, world.wait))
    return 0


def _rank() -> str:
    """Which process of ``torchrun`` speaks, unless it is the first or the only one."""
    rank = os.environ.get("RANK", "0")
    return "" if rank == "0" else f"rank {rank}: "


def is_stage_call(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> bool:
    """Whether ``score`` is called with the options of the stages, which name no files.

    ``score`` alone is stage 9 too, and so is what only asks for its help.
    """
    known = {"-h", "--help", *re.findall(r"--[a-z-]+", parser.format_usage())}
    names = [word.partition("=")[0] for word in arguments if word.startswith("-")]
    return not arguments or any(name in known for name in names)


def _augment_gallery(arguments: list[str]) -> int:
    """``augment_gallery``: reads what stage 1 wrote, and is no stage itself."""
    parser = build_parser(["augment_gallery"])
    parser.add_argument("--utt", help="a training utterance; default: a short one")
    parser.add_argument("--out", type=Path, help="default: DATA_DIR/augment_gallery")
    options = parser.parse_args(arguments)
    from asr.bin.augment_gallery import run

    run(make_job(options, 1), options.utt, options.out)
    return 0


def _export(arguments: list[str]) -> int:
    """``export``: reads what stage 7 wrote, and is no stage itself.

    Raises:
        RecipeError: stage 7 has not been run.
    """
    parser = build_parser(["export"])
    parser.add_argument("--out", type=_folder, required=True, help="the model folder")
    parser.add_argument("--max-mb", type=float, default=15.0, help="of all of it, MiB")
    parser.add_argument("--lm", type=Path, help="another n-gram (ARPA) for it")
    options = parser.parse_args(arguments)
    if options.test_dir is not None or options.model_dir is not None:
        raise UsageError("export takes no --test-dir and no --model-dir")
    job = make_job(options, DECODE)
    tune, decode = (next(s for s in STAGES if s.number == n) for n in (TUNE, DECODE))
    check_needed(decode, tune, job, STAGES)
    from asr.bin.export import run

    run(job, options.out, options.max_mb, options.lm)
    return 0


def _pictures(arguments: list[str]) -> int:
    """``pictures``: reads what stage 8 wrote, and is no stage itself."""
    parser = build_parser(["pictures"])
    parser.add_argument("--utt", help="its id; default: the first one")
    parser.add_argument("--out", type=_folder, help="default: beside the results")
    options = parser.parse_args(arguments)
    from asr.bin.pictures import run

    run(make_job(options, DECODE), options.utt, options.out)
    return 0


def _command(arguments: list[str]) -> int:
    """A command that takes the stages' options and is no stage itself."""
    name = arguments[0]
    job = make_job(build_parser([name]).parse_args(arguments), COMMANDS[name])
    run: Callable[[Job], None] = import_module(f"asr.bin.{name}").run
    run(job)
    return 0


def build_parser(commands: Sequence[str] = STAGE_NAMES) -> argparse.ArgumentParser:
    """The options that all stages share; the same as run.sh's."""
    parser = argparse.ArgumentParser(
        prog="asr", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("stage", choices=commands)
    parser.add_argument("--corpus", default=DEFAULT_CORPUS, help="a folder in egs/")
    parser.add_argument("--download-dir", type=Path, default=Path("download"))
    parser.add_argument("--model", default="conformer")
    parser.add_argument("--data-dir", type=Path, help="default: data/CORPUS")
    parser.add_argument("--exp-dir", type=Path, help="default: exp/CORPUS/MODEL")
    parser.add_argument("--nj", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--test-dir", type=_folder, help="a folder with audio/")
    parser.add_argument("--channel", type=int, help="of its files, from 1; else mixed")
    parser.add_argument("--model-dir", type=_folder, help="a model from export.sh")
    parser.add_argument("--init-from", type=Path, help="begin training with its layers")
    parser.add_argument("--decoders", default="", help=" ".join(DECODERS))
    parser.add_argument("--set", default="", dest="settings", help="a.b=c d.e=f")
    return parser


def make_job(options: argparse.Namespace, stage: int) -> Job:
    """Check the options and resolve the configuration.

    Raises:
        UsageError: an unknown corpus, model, decoder or key, or a bad value.
    """
    corpus_dir = ROOT / "egs" / options.corpus
    if not (corpus_dir / "corpus.yaml").is_file():
        known = sorted(p.parent.name for p in ROOT.glob("egs/*/corpus.yaml"))
        raise UsageError(f"--corpus {options.corpus}: known are {', '.join(known)}")
    if options.nj < 1:
        raise UsageError(f"--nj {options.nj}: at least 1")
    exp = options.exp_dir or Path("exp") / options.corpus / options.model
    if stage >= DECODE:
        other = _model_job(options, exp)
        if other is not None:
            return other
    elif options.model_dir is not None:
        raise UsageError("--model-dir is for stages 8 and 9 with --test-dir")
    trained = exp / "config.yaml" if stage > TRAIN else None
    settings = split_settings(options.settings)
    config = load_config(corpus_dir, options.model, settings, trained)
    if config.train.one_batch:
        if stage != TRAIN:
            raise UsageError("train.one_batch=true is for --stage 6 --stop-stage 6")
        exp = exp / "one_batch"  # a real training beside it stays as it is
    data = options.data_dir or Path("data") / options.corpus
    job = Job(
        config=config,
        paths=Paths(options.download_dir, data, exp),
        corpus_dir=corpus_dir,
        nj=options.nj,
        test_dir=_test_dir(options.test_dir),
        decoders=_decoders(options.decoders),
        init_from=_init_from(options.init_from),
        channel=_channel(options),
    )
    check_owner(job)
    return job


def _model_job(options: argparse.Namespace, exp: Path) -> Job | None:
    """The work order where a finished model is used, or None where ``exp`` has one.

    Raises:
        UsageError: ``--model-dir`` without ``--test-dir``.
        RecipeError: there is no model, or not such a folder.
    """
    if options.test_dir is None:
        if options.model_dir is not None:
            raise UsageError("--model-dir needs --test-dir: the folder to recognise")
        return None
    model_dir = choose_model_dir(options.model_dir, exp)
    if model_dir is None:
        return None
    manifest = read_manifest(model_dir)
    home = options.exp_dir or Path("exp") / "pretrained" / manifest.name
    print(f"model: {model_dir} ({manifest.name}); results: {home}", flush=True)
    if model_dir == BUNDLED and options.model_dir is None:
        _say_why_bundled(options, exp)
    job = Job(
        config=load_model_config(model_dir / CONFIG, split_settings(options.settings)),
        paths=Paths(options.download_dir, home / "model", home, home / "model"),
        corpus_dir=ROOT / "egs" / options.corpus,
        nj=options.nj,
        test_dir=_test_dir(options.test_dir),
        decoders=_decoders(options.decoders or " ".join(manifest.decoders)),
        channel=_channel(options),
        model_dir=model_dir,
    )
    check_owner(job)
    return job


def _say_why_bundled(options: argparse.Namespace, exp: Path) -> None:
    """Tell who named a corpus that its model is not what is used."""
    if options.corpus == DEFAULT_CORPUS and options.exp_dir is None:
        return
    trained = sorted(path.parent.name for path in exp.parent.glob("*/decode.yaml"))
    others = f"; {exp.parent} has {', '.join(trained)} (--model)" if trained else ""
    print(
        f"note: {exp} is not trained, so the model that comes with the recipe is "
        f"used{others}",
        flush=True,
    )


def _folder(text: str) -> Path:
    """A path; an empty one, as of a variable that is not set, is a mistake."""
    if not text:
        raise argparse.ArgumentTypeError("the name of the folder is empty")
    return Path(text)


def _channel(options: argparse.Namespace) -> int | None:
    channel: int | None = options.channel
    if channel is not None and (channel < 1 or options.test_dir is None):
        raise UsageError(f"--channel {channel}: from 1, of the files of --test-dir")
    return channel


def _init_from(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise UsageError(f"--init-from {path}: no such file")
    return path


def _decoders(text: str) -> tuple[str, ...]:
    """The named decoders, in the order of the results table."""
    for name in text.split():
        if name not in DECODERS:
            raise UsageError(f"--decoders {name}: known are {', '.join(DECODERS)}")
    return tuple(name for name in DECODERS if name in text.split())


def _test_dir(folder: Path | None) -> Path | None:
    if folder is not None and not folder.is_dir():
        raise UsageError(f"--test-dir {folder}: no such folder")
    return folder


if __name__ == "__main__":
    sys.exit(main())
