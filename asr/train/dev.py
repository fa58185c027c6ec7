"""What rank 0 finds on the dev set at an epoch's end, known to all ranks."""

from collections.abc import Iterator
from dataclasses import astuple

from asr.data.dataset import Batch, BatchDataset, iterate
from asr.models.create import AcousticModel
from asr.text.units import Units
from asr.train.interrupt import StopSignals
from asr.train.split import Split
from asr.train.state import EpochResult, TrainState
from asr.train.validate import validate
from asr.train.world import World


class _StoppedError(Exception):
    """A signal came during validation."""


class DevCheck:
    """Loss and greedy error rates on dev.

    Args:
        batch_seconds: of a batch, with padding.
        preliminary: first epochs that train by another loss, see
            :class:`EpochResult`.
    """

    def __init__(
        self,
        dev: Split,
        tokenizer: Units,
        batch_seconds: float,
        world: World,
        stop: StopSignals,
        preliminary: int = 0,
    ) -> None:
        self.dev, self.tokenizer, self.world, self.stop = dev, tokenizer, world, stop
        self.preliminary = preliminary
        self.plan = dev.plan(batch_seconds, seed=0, epoch=0, by_length=True)

    def result(self, model: AcousticModel, state: TrainState) -> EpochResult | None:
        """Of the epoch that ends in ``state``; None if a signal came meanwhile."""
        try:
            found = astuple(self._measure(model, state)) if self.world.is_main else ()
        except _StoppedError:
            found = ()
        if self.world.any(self.world.is_main and not found)[0]:
            return None
        shared = self.world.from_main([*map(float, found)] or [0.0] * 6)
        epoch, train, dev, wer, cer, preliminary = shared
        return EpochResult(int(epoch), train, dev, wer, cer, bool(preliminary))

    def _measure(self, model: AcousticModel, state: TrainState) -> EpochResult:
        dataset = BatchDataset(self.dev.reader, self.dev.utterances, self.plan)
        batches = self._until_stop(iterate(dataset, 0, 0))
        found = validate(
            model, batches, self.tokenizer, self.dev.texts, self.world.device
        )
        return EpochResult(
            state.epoch + 1,
            state.epoch_loss / max(1, state.epoch_tokens),
            found.loss,
            found.wer.rate,
            found.cer.rate,
            state.epoch < self.preliminary,
        )

    def _until_stop(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            if self.stop.received:
                raise _StoppedError
            yield batch
