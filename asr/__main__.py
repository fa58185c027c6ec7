"""``python -m asr <stage> [options]``: one stage, from the command line."""

import argparse
import errno
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from asr.errors import RecipeError, UsageError
from asr.failures import check_failures
from asr.job import Job
from asr.options import DECODE, STAGE_NAMES, TUNE, build_parser, folder, make_job
from asr.parent import end_with_run_sh
from asr.stage import Peers, Stage, check_needed, check_ready, entry_point, run_stage
from asr.stages import STAGES

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code. User errors are one line on stderr."""
    end_with_run_sh()
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
    command = arguments[:1]
    parser = build_parser(
        command if command and command[0] in STAGE_NAMES else STAGE_NAMES
    )
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
    known = {"-h", "--help", *re.findall(r"--[a-z-]+", parser.format_help())}
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
    parser.add_argument("--out", type=folder, required=True, help="the model folder")
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
    parser.add_argument("--out", type=folder, help="default: beside the results")
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


if __name__ == "__main__":
    sys.exit(main())
