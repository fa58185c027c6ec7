"""One step: learning rate, loss, gradient, update."""

import math

import torch
from torch import Tensor

from asr.config import TrainConfig
from asr.data.dataset import Batch
from asr.errors import RecipeError
from asr.models.create import AcousticModel
from asr.train.loss import ctc_loss
from asr.train.precision import choose_precision
from asr.train.schedule import warmup_cosine
from asr.train.state import TrainState

MAX_SKIPPED = 20  # steps in a row without a finite gradient


class Stepper:
    """Updates a model batch by batch (AdamW, CTC loss, clipped gradients).

    Args:
        model: on ``device``.
        total_steps: of the whole training, for the learning rate.
    """

    def __init__(
        self,
        model: AcousticModel,
        config: TrainConfig,
        device: torch.device,
        total_steps: int,
    ) -> None:
        self.model, self.config, self.device = model, config, device
        self.total_steps = total_steps
        self.dtype = choose_precision(config.precision, device)
        self.optimizer = torch.optim.AdamW(
            model.parameters(),
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
        )
        self.skipped_in_a_row = 0

    @property
    def learning_rate(self) -> float:
        """Of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def step(self, batch: Batch, state: TrainState) -> tuple[float, float]:
        """Make one update, counted in ``state``; return loss per token and norm.

        Both are 0 for a step that is skipped because one of them is not finite.

        Raises:
            RecipeError: too many steps in a row were skipped.
        """
        self._set_learning_rate(state.step)
        loss = self._loss(batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = float(
            torch.nn.utils.clip_grad_norm_(
                self.model.parameters(), self.config.clip_norm
            )
        )
        state.step += 1
        if not self._finite(float(loss), norm, batch, state):
            return 0.0, 0.0
        self.optimizer.step()
        state.epoch_loss += float(loss) * len(batch.tokens)
        state.epoch_tokens += len(batch.tokens)
        return float(loss), norm

    def _set_learning_rate(self, step: int) -> None:
        factor = warmup_cosine(
            step,
            warmup_steps=self.config.warmup_steps,
            total_steps=self.total_steps,
            final_ratio=self.config.final_lr_ratio,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * factor

    def _loss(self, batch: Batch) -> Tensor:
        """Per token, as a scalar."""
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.dtype != torch.float32
        ):
            log_probs, lengths = self.model(
                batch.features.to(self.device), batch.feature_lengths.to(self.device)
            )
        return ctc_loss(log_probs, lengths, batch).sum() / max(1, len(batch.tokens))

    def _finite(
        self, loss: float, norm: float, batch: Batch, state: TrainState
    ) -> bool:
        """Whether the step may be taken; a skipped one is counted and named."""
        if math.isfinite(loss) and math.isfinite(norm):
            self.skipped_in_a_row = 0
            return True
        state.skipped += 1
        self.skipped_in_a_row += 1
        print(
            f"step {state.step} skipped: loss {loss}, gradient norm {norm}, "
            f"utterances {' '.join(batch.ids)}",
            flush=True,
        )
        if self.skipped_in_a_row >= MAX_SKIPPED:
            raise RecipeError(
                f"training diverged: {MAX_SKIPPED} steps in a row without a finite "
                "gradient; try a smaller train.learning_rate or precision=float32"
            )
        return False
