"""One update of an acoustic model."""

from collections.abc import Iterable, Sequence

from torch import Tensor, nn

from asr.config import TrainConfig
from asr.data.dataset import Batch
from asr.models.create import AcousticModel
from asr.train.loss import ctc_loss
from asr.train.skipped import SkipLog
from asr.train.step import Stepper
from asr.train.world import World


class CtcStepper(Stepper[Batch]):
    """Updates a model by its CTC loss; arguments as those of :class:`Stepper`."""

    def __init__(
        self,
        model: AcousticModel,
        config: TrainConfig,
        world: World,
        total_steps: int,
        skips: SkipLog,
        idle: Batch,
    ) -> None:
        super().__init__(model, config, world, total_steps, skips, idle)
        self.batch_seconds = config.batch_seconds

    def learn_from(self, sequences: Iterable[Sequence[int]]) -> None:
        """Called with the training set's tokens, before the first step and later."""

    def loss(self, batch: Batch, network: nn.Module) -> Tensor:
        """Summed over the utterances, as a scalar."""
        return ctc_loss(*self.log_probs(batch, network), batch).sum()

    def log_probs(self, batch: Batch, network: nn.Module) -> tuple[Tensor, Tensor]:
        """(B, T', V) of a batch, and their (B,) lengths."""
        device = self.world.device
        with self.autocast():
            log_probs, lengths = network(
                batch.features.to(device), batch.feature_lengths.to(device)
            )
        return log_probs, lengths
