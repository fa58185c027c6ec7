"""The training loop."""

import json
import math
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from asr.atomic import write_text
from asr.config import TrainConfig
from asr.data.augment import spec_augment
from asr.data.batches import plan_batches
from asr.data.dataset import Batch, BatchDataset, Utterance, iterate
from asr.data.shard_reader import ShardReader
from asr.errors import RecipeError
from asr.models import checkpoint
from asr.models.create import AcousticModel
from asr.text.tokenizer import Tokenizer
from asr.train.loss import ctc_loss
from asr.train.meter import Meter
from asr.train.precision import choose_precision
from asr.train.schedule import warmup_cosine
from asr.train.state import (
    EpochResult,
    TrainState,
    restore_state,
    save_state,
    set_aside_if_other,
)
from asr.train.validate import validate

MAX_SKIPPED = 20  # steps in a row without a finite gradient


class TrainingInterruptedError(RecipeError):
    """SIGTERM or Ctrl-C came; the state is saved."""

    exit_code = 143


@dataclass(frozen=True)
class Split:
    """One set: where its features are, and which utterances to take."""

    reader: ShardReader
    utterances: Sequence[Utterance]
    texts: Mapping[str, str]

    @property
    def seconds(self) -> float:
        return sum(u.num_frames for u in self.utterances) / 100


class Trainer:
    """Trains one model; the same call after a kill goes on from the last checkpoint.

    Args:
        model: on any device.
        train, dev: the two sets.
        tokenizer: for the error rates on dev.
        config: how to train.
        folder: of the checkpoints: ``last.pt`` (everything), ``epoch-N.pt`` (weights
            of the best epochs on dev), ``best.json`` (written at the end).
        signature: what the weights depend on; checkpoints that have another one are
            set aside.
    """

    def __init__(
        self,
        model: AcousticModel,
        train: Split,
        dev: Split,
        tokenizer: Tokenizer,
        config: TrainConfig,
        folder: Path,
        signature: Mapping[str, Any],
    ) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.to(self.device).train()
        self.train, self.dev, self.tokenizer = train, dev, tokenizer
        self.config, self.folder, self.signature = config, folder, signature
        self.optimizer = torch.optim.AdamW(
            model.parameters(),
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
        )
        self.dtype = choose_precision(config.precision, self.device)
        self.total_steps = config.max_epochs * len(self._plan(1))
        self.skipped_in_a_row = 0
        self.stop_signal = 0
        self.state = self._resume()

    def run(self) -> None:
        """Train to the last epoch.

        Raises:
            TrainingInterruptedError: after SIGTERM or SIGINT, with everything saved.
            RecipeError: the loss is not finite for many steps on end.
        """
        old = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            while self.state.epoch < self.config.max_epochs:
                self._train_epoch()
                self._finish_epoch()
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
        self._write_best()

    def _resume(self) -> TrainState:
        set_aside_if_other(self.folder, self.signature)
        last = self.folder / "last.pt"
        if not last.exists():
            return TrainState()
        state = restore_state(last, self.model, self.optimizer)
        print(
            f"{last}: going on at epoch {state.epoch + 1}, batch {state.position + 1}",
            flush=True,
        )
        return state

    def _plan(self, epoch: int) -> list[list[int]]:
        return plan_batches(
            [u.num_frames for u in self.train.utterances],
            self.config.batch_seconds,
            seed=self.config.seed,
            epoch=epoch,
            by_length=epoch < self.config.sorted_epochs,
        )

    def _train_epoch(self) -> None:
        state, config = self.state, self.config
        plan = self._plan(state.epoch)
        dataset = BatchDataset(
            self.train.reader,
            self.train.utterances,
            plan,
            seed=config.seed,
            epoch=state.epoch,
            augment=partial(spec_augment, **asdict(config.spec_augment)),
        )
        meter, saved = Meter(), time.monotonic()
        for batch in iterate(dataset, state.position, config.num_workers):
            loss, norm = self._step(batch)
            meter.add(loss, len(batch.tokens), norm, batch.seconds)
            state.position += 1
            self._show(meter, len(plan))
            late = time.monotonic() - saved > 60 * config.checkpoint_minutes
            if self.stop_signal or late:
                self._save()
                saved = time.monotonic()
            if self.stop_signal:
                raise TrainingInterruptedError(
                    f"training was interrupted and saved in {self.folder}/last.pt; "
                    "the same command goes on from there"
                )

    def _step(self, batch: Batch) -> tuple[float, float]:
        """One update; returns loss per token and gradient norm."""
        state, config = self.state, self.config
        factor = warmup_cosine(
            state.step,
            warmup_steps=config.warmup_steps,
            total_steps=self.total_steps,
            final_ratio=config.final_lr_ratio,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * factor
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.dtype != torch.float32
        ):
            log_probs, lengths = self.model(
                batch.features.to(self.device), batch.feature_lengths.to(self.device)
            )
        loss = ctc_loss(log_probs, lengths, batch).sum() / max(1, len(batch.tokens))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = float(
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm)
        )
        state.step += 1
        if not self._finite(float(loss), norm, batch):
            return 0.0, 0.0
        self.optimizer.step()
        state.epoch_loss += float(loss) * len(batch.tokens)
        state.epoch_tokens += len(batch.tokens)
        return float(loss), norm

    def _finite(self, loss: float, norm: float, batch: Batch) -> bool:
        """Whether the step may be taken; a skipped one is counted and named."""
        if math.isfinite(loss) and math.isfinite(norm):
            self.skipped_in_a_row = 0
            return True
        self.state.skipped += 1
        self.skipped_in_a_row += 1
        print(
            f"step {self.state.step} skipped: loss {loss}, gradient norm {norm}, "
            f"utterances {' '.join(batch.ids)}",
            flush=True,
        )
        if self.skipped_in_a_row >= MAX_SKIPPED:
            raise RecipeError(
                f"training diverged: {MAX_SKIPPED} steps in a row without a finite "
                "gradient; try a smaller train.learning_rate or precision=float32"
            )
        return False

    def _show(self, meter: Meter, batches: int) -> None:
        state = self.state
        seconds = self.train.seconds
        done = state.epoch + state.position / batches
        meter.show(
            f"epoch {state.epoch + 1}/{self.config.max_epochs} "
            f"batch {state.position}/{batches}",
            self.optimizer.param_groups[0]["lr"],
            (self.config.max_epochs - done) * seconds,
        )

    def _finish_epoch(self) -> None:
        state = self.state
        plan = plan_batches(
            [u.num_frames for u in self.dev.utterances],
            self.config.batch_seconds,
            seed=0,
            epoch=0,
            by_length=True,
        )
        dataset = BatchDataset(self.dev.reader, self.dev.utterances, plan)
        result = validate(
            self.model,
            iterate(dataset, 0, 0),
            self.tokenizer,
            self.dev.texts,
            self.device,
        )
        state.epoch += 1
        state.position = 0
        state.history.append(
            EpochResult(
                state.epoch,
                state.epoch_loss / max(1, state.epoch_tokens),
                result.loss,
                result.wer.rate,
                result.cer.rate,
            )
        )
        state.epoch_loss, state.epoch_tokens = 0.0, 0
        last = state.history[-1]
        print(
            f"epoch {state.epoch}: train loss {last.train_loss:.3f}, dev loss "
            f"{last.dev_loss:.3f}, dev WER {100 * last.dev_wer:.2f} %, "
            f"CER {100 * last.dev_cer:.2f} % (greedy)",
            flush=True,
        )
        checkpoint.save(self.model.state_dict(), self._weights(state.epoch))
        self._save()
        for worse in self._ranked()[self.config.keep_checkpoints :]:
            self._weights(worse.epoch).unlink(missing_ok=True)

    def _ranked(self) -> list[EpochResult]:
        return sorted(self.state.history, key=lambda result: result.rank)

    def _weights(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch}.pt"

    def _save(self) -> None:
        save_state(
            self.folder / "last.pt",
            self.state,
            self.model,
            self.optimizer,
            self.signature,
        )

    def _write_best(self) -> None:
        kept = self._ranked()[: self.config.keep_checkpoints]
        text = json.dumps([asdict(result) for result in kept], indent=1)
        write_text(self.folder / "best.json", text + "\n")

    def _on_signal(self, number: int, frame: object) -> None:
        self.stop_signal = number
