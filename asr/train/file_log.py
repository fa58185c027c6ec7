"""The log of a training in local files, which need no account."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from asr.data.dataset import Batch
from asr.train.cpu_clock import CpuClock
from asr.train.illustrate import Illustrator
from asr.train.log import StepRecord, TrainLog
from asr.train.log_files import CURVES, METRICS
from asr.train.metrics import MetricsFile, read_metrics
from asr.train.state import Result, TrainState

DRAWING_SHARE = 0.02  # of the time, at most, may go into drawing curves


class FileLog(TrainLog):
    """``metrics.jsonl``, ``curves.png``, and what the illustrator writes.

    After a kill the folder becomes, times apart, that of an undisturbed training.

    Args:
        folder: of the log.
        every_steps: steps from one line to the next; skipped steps always get one.
        illustrator: None for a model of text, of which there is nothing to draw.
    """

    def __init__(
        self, folder: Path, every_steps: int, illustrator: Illustrator | None
    ) -> None:
        self.folder, self.every = folder, every_steps
        self.illustrator = illustrator
        self.metrics = MetricsFile(folder / METRICS)
        self.speed, self.cpu = Speed(), CpuClock()
        self._skipped = 0
        self._stale, self._next_drawing = False, 0.0

    def begin(self, state: TrainState) -> None:
        if state.step == 0:
            set_aside_if_used(self.folder)
        self.metrics.resume(state.step, state.epoch)
        self.cpu.resume(read_metrics(self.metrics.path))
        self._skipped = state.skipped
        if self.illustrator is not None:
            self.illustrator.begin(state.epoch, state.position > 0)

    def step(self, record: StepRecord, batch: object) -> None:
        self.speed.add(record.epoch, record.amount)
        if self.illustrator is not None and isinstance(batch, Batch):
            self.illustrator.train(record.epoch, batch)
        skipped = record.skipped > self._skipped
        self._skipped = record.skipped
        if skipped or record.step % self.every == 0:
            self.metrics.add(self._line(record, record.ids if skipped else ()))
            self._stale = True

    def _line(self, record: StepRecord, culprits: Sequence[str]) -> dict[str, Any]:
        """``culprits`` are the utterances of a skipped step."""
        line = {
            "kind": "step",
            "step": record.step,
            "epoch": record.epoch,
            "loss": None if culprits else record.loss,
            "learning_rate": record.learning_rate,
            "gradient_norm": None if culprits else record.gradient_norm,
            "throughput": self.speed.take(),
            "skipped": record.skipped,
            "cpu": self.cpu.seconds,
            "time": round(time.time(), 3),
        }
        return line | ({"utterances": list(culprits)} if culprits else {})

    def epoch(self, result: Result, state: TrainState, model: nn.Module) -> None:
        if self.illustrator is not None:
            self.illustrator.dev(result.epoch, model)
        self.metrics.add(
            {
                "kind": "epoch",
                "step": state.step,
                **asdict(result),
                "skipped": state.skipped,
                "cpu": self.cpu.seconds,
                "time": round(time.time(), 3),
            }
        )
        self._stale = True
        if time.monotonic() >= self._next_drawing:
            self._draw()

    def sync(self) -> None:
        self.metrics.sync()

    def close(self) -> None:
        self.metrics.close()
        if self._stale:
            self._draw()

    def _draw(self) -> None:
        """Draw ``curves.png``, and let some time pass until the next time."""
        from asr.plot.curves import draw_curves  # matplotlib is slow to import

        began = time.monotonic()
        draw_curves(read_metrics(self.folder / METRICS), self.folder / CURVES)
        now = time.monotonic()
        self._stale, self._next_drawing = False, now + (now - began) / DRAWING_SHARE


class Speed:
    """Audio or text per second of training, validation not counted."""

    def __init__(self) -> None:
        self._epoch, self._last = 0, 0.0
        self._amount = self._clock = 0.0

    def add(self, epoch: int, amount: float) -> None:
        """A step with ``amount`` has ended; an epoch's first one only starts."""
        now = time.perf_counter()
        if epoch == self._epoch:
            self._amount += amount
            self._clock += now - self._last
        self._epoch, self._last = epoch, now

    def take(self) -> float | None:
        """The speed since the last call, None if no time has passed."""
        speed = self._amount / self._clock if self._clock else None
        self._amount = self._clock = 0.0
        return speed


def set_aside_if_used(folder: Path) -> None:
    """Rename the log of another training that got as far as one epoch."""
    path = folder / METRICS
    if not path.exists() or all(r["kind"] != "epoch" for r in read_metrics(path)):
        return
    number = 1
    while (target := folder.with_name(f"{folder.name}.old-{number}")).exists():
        number += 1
    folder.rename(target)
    print(f"{folder}: of an earlier training, kept as {target}", flush=True)
