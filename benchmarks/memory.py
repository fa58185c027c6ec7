"""Memory of a training, epoch by epoch.

python -m benchmarks.memory --corpus an4 [--hours H] [--epochs N] [--figure FILE]

Trains the configured model on a part of a prepared corpus (stages 1 to 3), with its
workers, augmentations, validation, checkpoints and local log, and notes the resident
memory of the training and of its workers at every step. Pages that both of them have
in common count for both.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from torch import nn

from asr.atomic import atomic_path
from asr.bin.train import feasible, feature_augment, new_model, read_split
from asr.bin.train_log import new_log
from asr.job import Job
from asr.options import build_parser, make_job
from asr.plot.spectrogram import METADATA
from asr.provenance import write_config
from asr.text.tokenizer import Tokenizer
from asr.train.log import StepRecord, TrainLog, TrainLogs
from asr.train.loop import Trainer
from asr.train.state import Result, TrainState
from benchmarks.loader import thinned

WARM = 2  # epochs before the slope is taken


@dataclass(frozen=True)
class Point:
    """Resident MB after a step: of the training, and of its workers together."""

    epoch: int
    main: float
    workers: float


class MemoryLog(TrainLog):
    """Notes the memory after every step, and after every epoch without workers."""

    def __init__(self) -> None:
        self.steps: list[Point] = []
        self.ends: list[Point] = []

    def step(self, record: StepRecord, batch: object) -> None:
        self.steps.append(now(record.epoch))

    def epoch(self, result: Result, state: TrainState, model: nn.Module) -> None:
        self.ends.append(now(result.epoch))


def main() -> None:
    """Train, print a line for each epoch and the slope, and draw the figure."""
    parser = build_parser(["train"])
    parser.add_argument("--hours", type=float, default=0.15, help="of train")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--figure", type=Path, help="PNG to write")
    parser.set_defaults(model="conformer")
    options = parser.parse_args(["train", *sys.argv[1:]])
    options.settings += f" train.max_epochs={options.epochs} log.wandb=off"
    with tempfile.TemporaryDirectory() as folder:
        options.exp_dir = Path(folder)
        log = train(make_job(options, stage=6), options.hours)
    show(log)
    if options.figure:
        title = f"{options.corpus}, {options.model}, {options.hours:g} h"
        draw(log.steps, title, options.figure)


def train(job: Job, hours: float) -> MemoryLog:
    """Train to the end, with all that stage 6 does beside it."""
    tokenizer = Tokenizer.load(job.lang)
    split, _ = feasible(read_split(job, "train", tokenizer))
    split, dev = thinned(split, hours), read_split(job, "dev", tokenizer)
    dev = thinned(dev, hours / 4)
    memory = MemoryLog()
    write_config(job.config, job.paths.exp / "config.yaml")
    trainer = Trainer(
        new_model(job, tokenizer.vocab_size),
        split,
        dev,
        tokenizer,
        job.config.train,
        job.paths.checkpoints,
        {},
        augment=feature_augment(job),
        log=TrainLogs([new_log(job, split, dev, tokenizer), memory]),
    )
    trainer.run()
    return memory


def now(epoch: int) -> Point:
    """What this process and its children hold."""
    children = Path("/proc/thread-self/children").read_text().split()
    return Point(epoch, resident("self"), sum(map(resident, children)))


def resident(process: str) -> float:
    """MB of a process in memory; 0 of one that has just ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return float(found[0]) * 1024 / 1e6 if found else 0.0


def show(log: MemoryLog) -> None:
    """Print the table and the slopes."""
    print("\n| epoch | training | workers | both, at most | training, after dev |")
    print("|---|---|---|---|---|")
    most, after = [], []
    for end in log.ends:
        steps = [point for point in log.steps if point.epoch == end.epoch]
        most.append(max(p.main + p.workers for p in steps))
        after.append(end.main)
        main, workers = max(p.main for p in steps), max(p.workers for p in steps)
        print(
            f"| {end.epoch} | {main:.0f} | {workers:.0f} | {most[-1]:.0f} "
            f"| {after[-1]:.0f} |"
        )
    print(
        f"\nMB. After epoch {WARM}: {slope(most):+.1f} MB an epoch at most, "
        f"{slope(after):+.1f} after dev (straight line fitted)."
    )


def slope(values: Sequence[float]) -> float:
    """MB an epoch once everything has been done twice."""
    late = values[WARM:]
    return float(np.polyfit(np.arange(len(late)), late, 1)[0])


def draw(points: Sequence[Point], title: str, path: Path) -> None:
    """Draw all steps, a line where an epoch begins."""
    figure = Figure(figsize=(7.0, 2.8), dpi=90, layout="tight")
    axes = figure.subplots()
    main = np.array([p.main for p in points])
    workers = np.array([p.workers for p in points])
    axes.stackplot(
        np.arange(len(points)), main, workers, labels=["training", "workers"], alpha=0.7
    )
    for step in range(1, len(points)):
        if points[step].epoch != points[step - 1].epoch:
            axes.axvline(step, color="grey", linewidth=0.5)
    axes.set_xlim(0, len(points) - 1)
    axes.set_xlabel("step; vertical lines: epochs", fontsize=8)
    axes.set_title(f"resident memory in MB: {title}", fontsize=10)
    axes.tick_params(labelsize=8)
    axes.legend(loc="lower right", fontsize=8)
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", metadata=METADATA)


if __name__ == "__main__":
    main()
