"""The options of the stages and of the commands beside them; the work order they make."""

import argparse
import ast
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from asr.config import Config
from asr.config_load import ROOT, default_model, load_config, load_model_config
from asr.errors import UsageError
from asr.job import DECODERS, TIMED, Job, Paths
from asr.model_dir import (
    BUNDLED,
    CONFIG,
    Manifest,
    choose_model_dir,
    read_manifest,
)
from asr.owner import check_owner
from asr.stages import STAGES
from asr.text.hotwords import read_hotwords
from asr.text.normalize import get_rule

TRAIN, TUNE, DECODE = 6, 7, 8  # numbers of the stages
DEFAULT_CORPUS = "synth"
STAGE_NAMES = tuple(stage.name for stage in STAGES)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, like everything else."""

    def error(self, message: str) -> NoReturn:
        hint = "--help shows the options"
        if "--stage" in message or "--stop-stage" in message:
            hint += ", --stage is for run.sh"
        raise UsageError(f"{self.prog}: {message} ({hint})")


def build_parser(commands: Sequence[str] = STAGE_NAMES) -> argparse.ArgumentParser:
    """The options that all stages share; the same as run.sh's.

    Args:
        commands: what may be run; of one alone, help and errors name its script.
    """
    if len(commands) == 1:
        parser = Parser(f"local/{commands[0]}.sh", allow_abbrev=False)
        parser.usage, parser.description = "%(prog)s [OPTIONS]", about(commands[0])
        parser.add_argument("stage", choices=commands, help=argparse.SUPPRESS)
    else:
        parser = Parser("python -m asr", allow_abbrev=False)
        parser.add_argument("stage", choices=commands)
    parser.add_argument("--corpus", default=DEFAULT_CORPUS, help="a folder in egs/")
    parser.add_argument(
        "--download-dir", type=Path, default=Path("download"), help="of the archives"
    )
    parser.add_argument("--model", help="a file in conf/; default: the corpus's")
    parser.add_argument("--data-dir", type=Path, help="default: data/CORPUS")
    parser.add_argument("--exp-dir", type=Path, help="default: exp/CORPUS/MODEL")
    parser.add_argument(
        "--nj", type=int, default=len(os.sched_getaffinity(0)), help="processes"
    )
    parser.add_argument("--test-dir", type=folder, help="a folder with audio/")
    parser.add_argument("--channel", type=int, help="of its files, from 1; else mixed")
    parser.add_argument("--model-dir", type=folder, help="a model from export.sh")
    parser.add_argument("--init-from", type=Path, help="begin training with its layers")
    parser.add_argument("--decoders", default="", help=" ".join(DECODERS))
    parser.add_argument("--hotwords", type=Path, help="'word weight' lines: stage 8")
    parser.add_argument("--write", default="", help=f"{' '.join(TIMED)}: word times")
    parser.add_argument("--set", default="", dest="settings", help="a.b=c d.e=f")
    return parser


def about(command: str) -> str:
    """What the command does: the first line of its module, which is not imported."""
    source = (ROOT / "asr" / "bin" / f"{command}.py").read_text(encoding="utf-8")
    line = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    line = line.removeprefix(f"``{command}``: ")
    return line[:1].upper() + line[1:]


def split_settings(text: str) -> list[str]:
    """Split ``--set`` as a shell would.

    Raises:
        UsageError: a quotation that does not end.
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--set {text!r}: {error}") from error


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
    model = options.model or default_model(corpus_dir)
    exp = options.exp_dir or Path("exp") / options.corpus / model
    if stage >= DECODE:
        other = _model_job(options, exp)
        if other is not None:
            return other
    elif options.model_dir is not None:
        raise UsageError("--model-dir is for stages 8 and 9 with --test-dir")
    trained = exp / "config.yaml" if stage > TRAIN else None
    settings = split_settings(options.settings)
    config = load_config(corpus_dir, model, settings, trained)
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
        decoders=named("--decoders", options.decoders, DECODERS),
        init_from=_init_from(options.init_from),
        channel=_channel(options),
        write=named("--write", options.write, TIMED),
        hotwords=_hotwords(options.hotwords, config),
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
    config = load_model_config(model_dir / CONFIG, split_settings(options.settings))
    decoders = named("--decoders", options.decoders, DECODERS)
    decoders = decoders or _own_decoders(manifest, options.hotwords is not None)
    job = Job(
        config=config,
        paths=Paths(options.download_dir, home / "model", home, home / "model"),
        corpus_dir=ROOT / "egs" / options.corpus,
        nj=options.nj,
        test_dir=_test_dir(options.test_dir),
        decoders=decoders,
        channel=_channel(options),
        write=named("--write", options.write, TIMED),
        hotwords=_hotwords(options.hotwords, config),
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


def folder(text: str) -> Path:
    """A path; an empty one, as of a variable that is not set, is a mistake."""
    if not text:
        raise argparse.ArgumentTypeError("the name of the folder is empty")
    return Path(text)


def _channel(options: argparse.Namespace) -> int | None:
    channel: int | None = options.channel
    if channel is not None and (channel < 1 or options.test_dir is None):
        raise UsageError(f"--channel {channel}: from 1, of the files of --test-dir")
    return channel


def _hotwords(path: Path | None, config: Config) -> dict[str, float]:
    if path is None:
        return {}
    return read_hotwords(path, get_rule(config.corpus.normalize))


def _init_from(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise UsageError(f"--init-from {path}: no such file")
    return path


def named(option: str, text: str, known: Sequence[str]) -> tuple[str, ...]:
    """The names in a text, in the order of those that are known.

    Raises:
        UsageError: another name.
    """
    for name in text.split():
        if name not in known:
            raise UsageError(f"{option} {name}: known are {', '.join(known)}")
    return tuple(name for name in known if name in text.split())


def _own_decoders(manifest: Manifest, listening: bool) -> tuple[str, ...]:
    """Of the decoders that a model comes with those that this version has; none: all.

    Where there are hot words, one that listens for them comes to them.
    """
    names = {*manifest.decoders} & {*DECODERS}
    if names and listening:
        names.add("beam-lm" if manifest.lm_order else "beam")
    return tuple(name for name in DECODERS if name in names)


def _test_dir(folder: Path | None) -> Path | None:
    if folder is not None and not folder.is_dir():
        raise UsageError(f"--test-dir {folder}: no such folder")
    return folder
