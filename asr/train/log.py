"""What a training tells while it runs, and to whom."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from asr.train.state import Result, TrainState


@dataclass(frozen=True)
class StepRecord:
    """One step, taken or skipped.

    Attributes:
        epoch, step: both from 1.
        loss: per token, natural logarithm.
        gradient_norm: before clipping.
        amount: in the step: seconds of audio, or tokens of text.
        skipped: steps skipped so far, because loss or gradient was not finite.
        ids: of the step's utterances or sentences, in all processes.
    """

    epoch: int
    step: int
    loss: float
    learning_rate: float
    gradient_norm: float
    amount: float
    skipped: int
    ids: tuple[str, ...] = ()


class TrainLog:
    """Observes a training. This one takes no notice; the others override.

    An observer reads: it leaves weights, random states and batches as they are.
    """

    def begin(self, state: TrainState) -> None:
        """The training starts, or goes on, where ``state`` stands."""

    def step(self, record: StepRecord, batch: object) -> None:
        """A step was made; ``batch`` is its last one here, features augmented."""

    def epoch(self, result: Result, state: TrainState, model: nn.Module) -> None:
        """An epoch has ended; ``model`` is what was validated."""

    def sync(self) -> None:
        """A checkpoint is about to be written: what was told has to be on disk."""

    def close(self) -> None:
        """No more will come; also after an error, and without ``begin``."""


class TrainLogs(TrainLog):
    """Tells several observers, in their order."""

    def __init__(self, logs: Sequence[TrainLog]) -> None:
        self.logs = logs

    def begin(self, state: TrainState) -> None:
        for log in self.logs:
            log.begin(state)

    def step(self, record: StepRecord, batch: object) -> None:
        for log in self.logs:
            log.step(record, batch)

    def epoch(self, result: Result, state: TrainState, model: nn.Module) -> None:
        for log in self.logs:
            log.epoch(result, state, model)

    def sync(self) -> None:
        for log in self.logs:
            log.sync()

    def close(self) -> None:
        for log in self.logs:
            log.close()
