"""The process that copies a training's local log to W&B as it grows.

Started by :mod:`asr.train.wandb_log`. It ends when its standard input does, be that
an orderly end (a line was sent) or because the training was killed.
"""

import importlib
import json
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from asr.train.illustrate import AUDIO, SAMPLES, SPECTROGRAMS
from asr.train.samples import HEADER, read_samples
from asr.train.wandb_log import SAID, RunOptions

POLL_SECONDS = 1.0


def main(arguments: list[str]) -> int:
    """Follow the log; return the exit code. No error gets out but as one line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the training decides when it is over
    os.nice(5)
    options = RunOptions(**json.loads(arguments[0]))
    try:
        copy_log(options)
    except Exception as error:  # whatever W&B raises: the training goes on
        traceback.print_exc()
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        print(f"W&B: off from here on, because of {reason}", flush=True)
        return SAID
    return 0


def copy_log(options: RunOptions) -> None:
    """Log every line of ``metrics.jsonl``, with the epoch's samples and pictures."""
    folder = Path(options.folder)
    wandb: Any = importlib.import_module("wandb")  # only this process loads it
    run = start_run(wandb, options)
    log_audio(wandb, run, folder)
    follow = Follower(folder / "metrics.jsonl", options)
    for line in follow.lines():
        record: dict[str, Any] = json.loads(line)
        row = scalars(record)
        if record["kind"] == "epoch":
            row |= media(wandb, folder, record["epoch"])
        run.log(row, step=record["step"])
    run.finish(exit_code=0 if follow.orderly else 1)


def start_run(wandb: Any, options: RunOptions) -> Any:
    """Start or resume the run; offline where the server cannot be reached."""
    try:
        run = _init(wandb, options, options.mode)
    except Exception as error:
        if options.mode != "online":
            raise
        traceback.print_exc()
        reason = " ".join(str(error).split())[:200]
        print(f"W&B: not reached ({reason}); the run goes on offline", flush=True)
        run = _init(wandb, options, "offline")
    if run.settings.mode == "offline":
        place = Path(run.dir).parent
        print(f"W&B: offline run; upload it by: wandb sync {place}", flush=True)
    else:
        print(f"W&B: {run.url}", flush=True)
    return run


def _init(wandb: Any, options: RunOptions, mode: str) -> Any:
    config = yaml.safe_load(Path(options.config).read_text("utf-8"))
    settings = wandb.Settings(
        console="off",
        silent=True,
        disable_git=True,
        disable_code=True,
        init_timeout=30.0,
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


class Follower:
    """Reads a growing file until standard input ends, then what is left of it.

    Attributes:
        orderly: whether the training said that it ends; a killed one says nothing.
    """

    def __init__(self, path: Path, options: RunOptions) -> None:
        self.path, self.start = path, options.start
        self.finish_seconds = options.finish_seconds
        self.orderly = False

    def lines(self) -> Iterator[str]:
        """Whole lines, as they come."""
        with open(self.path, "rb") as file:
            file.seek(self.start)
            rest, ended = b"", False
            while not ended:
                ended = self._wait()
                *whole, rest = (rest + file.read()).split(b"\n")
                yield from (line.decode("utf-8") for line in whole)

    def _wait(self) -> bool:
        """Wait a little; return whether the training has ended."""
        if not select.select([sys.stdin], [], [], POLL_SECONDS)[0]:
            return False
        self.orderly = bool(os.read(sys.stdin.fileno(), 100))
        give_up = threading.Timer(self.finish_seconds, os._exit, [SAID])
        give_up.daemon = True
        give_up.start()  # nobody may be left to end this process
        return True


def scalars(record: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a line under W&B's names, ``train/...`` and ``dev/...``."""
    if record["kind"] == "step":
        keys = ("loss", "learning_rate", "gradient_norm", "throughput", "skipped")
        row = {f"train/{key}": record[key] for key in keys}
    else:
        row = {f"dev/{key}": record[f"dev_{key}"] for key in ("loss", "cer", "wer")}
        row["train/epoch_loss"] = record["train_loss"]
    row["epoch"] = record["epoch"]
    return {key: value for key, value in row.items() if value is not None}


def media(wandb: Any, folder: Path, epoch: int) -> dict[str, Any]:
    """Table of samples, and spectrograms of train and dev, of one epoch."""
    row: dict[str, Any] = {}
    table = folder / SAMPLES / f"epoch-{epoch}.tsv"
    if table.exists():
        rows = [[*r[:4], float(r[4]), float(r[5])] for r in read_samples(table)]
        row["samples"] = wandb.Table(columns=list(HEADER), data=rows)
    for split in ("train", "dev"):
        pictures = sorted((folder / SPECTROGRAMS).glob(f"epoch-{epoch}-{split}-*.png"))
        if pictures:
            row[f"spectrograms/{split}"] = [wandb.Image(str(p)) for p in pictures]
    return row


def log_audio(wandb: Any, run: Any, folder: Path) -> None:
    """Training audio before and after augmentation, once for a run."""
    index = folder / AUDIO / "index.tsv"
    if not index.exists():
        return
    rows = [line.split("\t") for line in index.read_text("utf-8").splitlines()[1:]]
    clips = [
        wandb.Audio(str(folder / AUDIO / file), caption=f"{id_}: {text}")
        for file, id_, text in rows
    ]
    run.log({"audio": clips}, step=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
