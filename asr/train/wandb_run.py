"""The process that copies a training's local log to W&B as it grows.

Started by :mod:`asr.train.wandb_log`. Its standard input is a pipe from the
training: a line says that the training ends, its end alone that it was killed.
"""

import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from asr.train.follow import Follower
from asr.train.log_files import METRICS, WANDB
from asr.train.wandb_rows import audio, row_of

SAID = 3  # exit code of a process that has told the user why it ends

Say = Callable[[str], None]


@dataclass(frozen=True)
class RunOptions:
    """What the process is told on its command line.

    Attributes:
        folder: of the local log; W&B's own files go to ``wandb/`` in it.
        config: YAML with the resolved configuration and the commit.
        id: of the run, the same after every restart.
        mode: online | offline.
        start: bytes of ``metrics.jsonl`` that the run has already.
        init_seconds: to reach the server, before the run goes on offline.
        finish_seconds: for the last uploads, after the training's end.
    """

    folder: str
    config: str
    id: str
    name: str
    project: str
    mode: str
    start: int
    finish_seconds: float
    init_seconds: float


def main(arguments: list[str]) -> int:
    """Follow the log; return the exit code. No error gets out but as one line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the training decides when it is over
    os.nice(5)
    options = RunOptions(**json.loads(arguments[0]))
    training, say = take_over_streams()
    try:
        copy_log(options, training, say)
    except Exception as error:  # whatever W&B raises: the training goes on
        traceback.print_exc()
        say(f"W&B: off from here on, because of {type(error).__name__}: {error}")
        return SAID
    return 0


def take_over_streams() -> tuple[int, Say]:
    """Leave W&B no input to wait for, and the messages' file for its output.

    Returns:
        The descriptor of the training's pipe, and what prints a line to the user.
    """
    training, terminal = os.dup(0), os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)

    def say(message: str) -> None:
        print(" ".join(message.split())[:400], file=terminal, flush=True)

    return training, say


def copy_log(options: RunOptions, training: int, say: Say) -> None:
    """Log every line of ``metrics.jsonl``, with the epoch's samples and pictures."""
    folder = Path(options.folder)
    wandb: Any = importlib.import_module("wandb")  # only this process loads it
    follower = Follower(folder / METRICS, options.start, training)
    run = start_run(wandb, options, say)
    clips = audio(wandb, folder)
    if clips and options.start == 0:
        run.log({"audio": clips}, step=0)
    for line in follower.lines(lambda: give_up_later(options, say)):
        record: dict[str, Any] = json.loads(line)
        run.log(row_of(wandb, folder, record), step=record["step"])
    run.finish(exit_code=0 if follower.orderly else 1)


def start_run(wandb: Any, options: RunOptions, say: Say) -> Any:
    """Start or resume the run; offline where the server cannot be reached."""
    try:
        run = _init(wandb, options, options.mode)
    except Exception as error:
        if options.mode != "online":
            raise
        traceback.print_exc()
        say(f"W&B: not reached ({error}); the run goes on offline")
        wandb.teardown()  # else W&B says that the run is in use, by the failed try
        run = _init(wandb, options, "offline")
    if run.settings.mode == "offline":
        say(f"W&B: offline run; upload it by: wandb sync {Path(run.dir).parent}")
    else:
        say(f"W&B: {run.url}")
    return run


def _init(wandb: Any, options: RunOptions, mode: str) -> Any:
    config = yaml.safe_load(Path(options.config).read_text("utf-8"))
    settings = wandb.Settings(
        console="off",
        silent=True,
        disable_git=True,
        disable_code=True,
        init_timeout=options.init_seconds,
        login_timeout=5.0,
        x_disable_stats=True,  # it would take time from two busy cores
    )
    return wandb.init(
        id=options.id,
        name=options.name,
        project=options.project,
        config=config,
        dir=options.folder,
        mode=mode,
        resume="allow" if mode == "online" else None,
        settings=settings,
    )


def give_up_later(options: RunOptions, say: Say) -> None:
    """End this process in a while, whatever hangs in it; nobody else may be left to."""

    def give_up() -> None:
        say(unfinished(options.finish_seconds, Path(options.folder)))
        os._exit(SAID)

    timer = threading.Timer(options.finish_seconds, give_up)
    timer.daemon = True
    timer.start()


def unfinished(seconds: float, folder: Path) -> str:
    """The line for the user when W&B takes too long."""
    return (
        f"W&B: not finished in {seconds:.0f} s and ended; what it has not uploaded "
        f"lies in {folder / WANDB}, see wandb sync --help"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
