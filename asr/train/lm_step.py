"""One update of a language model."""

from torch import Tensor, nn

from asr.models.transformer_lm import target_log_probs
from asr.train.lm_text import LmBatch
from asr.train.step import Stepper


class LmStepper(Stepper[LmBatch]):
    """Updates a model by the cross-entropy of the next token."""

    def loss(self, batch: LmBatch, network: nn.Module) -> Tensor:
        """Summed over the tokens, as a scalar; the padding's log-probs are 0."""
        device = self.world.device
        with self.autocast():
            log_probs = network(batch.inputs.to(device), batch.lengths.to(device))
        return -target_log_probs(log_probs, batch.targets.to(device)).sum()
