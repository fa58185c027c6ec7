"""The training loop."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from asr.config import TrainConfig
from asr.data.augment import spec_augment
from asr.data.dataset import Batch, BatchDataset, iterate
from asr.models.create import AcousticModel
from asr.text.tokenizer import Tokenizer
from asr.train.checkpoint_folder import CheckpointFolder
from asr.train.interrupt import StopSignals, TrainingInterruptedError
from asr.train.meter import Meter
from asr.train.split import Split
from asr.train.state import EpochResult
from asr.train.step import Stepper
from asr.train.validate import validate


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
        self.config = config
        total_steps = config.max_epochs * len(self._plan(1))
        self.stepper = Stepper(self.model, config, self.device, total_steps)
        self.folder = CheckpointFolder(folder, signature, config.keep_checkpoints)
        self.stop = StopSignals()
        self.state = self.folder.resume(self.model, self.stepper.optimizer)

    def run(self) -> None:
        """Train to the last epoch.

        Raises:
            TrainingInterruptedError: after SIGTERM or SIGINT, with everything saved.
            RecipeError: the loss is not finite for many steps on end.
        """
        with self.stop:
            while self.state.epoch < self.config.max_epochs:
                self._train_epoch()
                self._finish_epoch()
        self.folder.write_best(self.state.history)

    def _plan(self, epoch: int) -> list[list[int]]:
        return self.train.plan(
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
            if self.stop.received or late:
                self._save()
                saved = time.monotonic()
            if self.stop.received:
                raise TrainingInterruptedError(
                    f"training was interrupted and saved in {self.folder.last}; "
                    "the same command goes on from there"
                )

    def _step(self, batch: Batch) -> tuple[float, float]:
        return self.stepper.step(batch, self.state)

    def _show(self, meter: Meter, batches: int) -> None:
        state = self.state
        done = state.epoch + state.position / batches
        meter.show(
            f"epoch {state.epoch + 1}/{self.config.max_epochs} "
            f"batch {state.position}/{batches}",
            self.stepper.learning_rate,
            (self.config.max_epochs - done) * self.train.seconds,
        )

    def _finish_epoch(self) -> None:
        state = self.state
        result = self._validate()
        state.epoch += 1
        state.position = 0
        state.history.append(result)
        state.epoch_loss, state.epoch_tokens = 0.0, 0
        print(
            f"epoch {result.epoch}: train loss {result.train_loss:.3f}, dev loss "
            f"{result.dev_loss:.3f}, dev WER {100 * result.dev_wer:.2f} %, "
            f"CER {100 * result.dev_cer:.2f} % (greedy)",
            flush=True,
        )
        self.folder.save_weights(state.epoch, self.model)
        self._save()
        self.folder.remove_worse(state.history)

    def _validate(self) -> EpochResult:
        """Loss and greedy error rates on dev of the epoch that ends."""
        state, dev = self.state, self.dev
        plan = dev.plan(self.config.batch_seconds, seed=0, epoch=0, by_length=True)
        batches = iterate(BatchDataset(dev.reader, dev.utterances, plan), 0, 0)
        found = validate(self.model, batches, self.tokenizer, dev.texts, self.device)
        return EpochResult(
            state.epoch + 1,
            state.epoch_loss / max(1, state.epoch_tokens),
            found.loss,
            found.wer.rate,
            found.cer.rate,
        )

    def _save(self) -> None:
        self.folder.save(self.state, self.model, self.stepper.optimizer)
