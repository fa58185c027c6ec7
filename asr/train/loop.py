"""The training loop."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from asr.config import TrainConfig
from asr.data.dataset import Augment, Batch
from asr.models.create import AcousticModel
from asr.text.tokenizer import Tokenizer
from asr.train.check_options import check_options
from asr.train.checkpoint_folder import CheckpointFolder
from asr.train.dev import DevCheck
from asr.train.epoch import epoch_plan, open_epoch, updates
from asr.train.group import Group, idle_batch
from asr.train.interrupt import StopSignals, TrainingInterruptedError
from asr.train.log import StepRecord, TrainLog
from asr.train.memory import plain_out_of_memory, try_largest
from asr.train.meter import Meter
from asr.train.skipped import SkipLog
from asr.train.split import Split
from asr.train.state import (
    EpochResult,
    TrainState,
    epochs_without_gain,
    pack_state,
    unpack_state,
)
from asr.train.step import Stepper
from asr.train.world import World


class Trainer:
    """Trains one model; the same call after a kill goes on from the last checkpoint.

    Args:
        model: on any device.
        train, dev: the two sets.
        tokenizer: for the error rates on dev.
        config: how to train.
        folder: of the checkpoints, see :class:`CheckpointFolder`.
        signature: what the weights depend on; checkpoints that have another one are
            set aside.
        world: the processes that train together; this one alone if None.
        augment: of the training features, on the fly.
        log: told of every step and epoch; of rank 0 only.

    Raises:
        UsageError: a value that makes no sense.
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
        world: World | None = None,
        augment: Augment | None = None,
        log: TrainLog | None = None,
    ) -> None:
        check_options(config)
        self.world = world or World()
        self.device = self.world.device
        self.model = model.to(self.device).train()
        self.train, self.config, self.augment = train, config, augment
        self.plan = epoch_plan(train, config, epoch=1)  # those of all epochs are alike
        path = folder / "skipped.tsv" if self.world.is_main else None
        self.skips = SkipLog(path, config.max_skipped)
        self.stepper = Stepper(
            self.model,
            config,
            self.world,
            config.max_epochs * updates(self.plan, config, self.world),
            self.skips,
            idle_batch(train),
        )
        self.folder = CheckpointFolder(folder, signature, config.keep_checkpoints)
        self.log = log or TrainLog()
        self.stop = StopSignals()
        self.dev_check = DevCheck(
            dev, tokenizer, config.batch_seconds, self.world, self.stop
        )
        self.state = self._resume()

    def run(self) -> None:
        """Train to the last epoch, or until dev has not gained for long enough.

        Raises:
            TrainingInterruptedError: after SIGTERM or SIGINT, with everything saved.
            OutOfMemoryError: a batch does not fit into memory.
            RecipeError: the loss is not finite for many steps on end.
        """
        out_of_memory = plain_out_of_memory(self.config.batch_seconds, "in training")
        with closing(self.log), self.stop, out_of_memory:
            self.log.begin(self.state)
            if not self._finished():
                try_largest(self.stepper, self.train, self.plan)
            while not self._finished():
                self._train_epoch()
                self._finish_epoch()
        if self.state.epoch < self.config.max_epochs:
            print(f"stopped: no better dev WER for {self.config.patience} epochs")
        if self.world.is_main:
            self.folder.write_best(self.state.history)
        self.world.wait()

    def _resume(self) -> TrainState:
        """Set everything to the last checkpoint, and return where it stood."""
        content = self.folder.newest() if self.world.is_main else None
        if self.world.any(content is not None)[0]:  # also a barrier: files are settled
            content = content or self.folder.newest()
        if content is None:
            self.skips.rewind(0)
            return TrainState()
        self.stepper.load_state_dict(content)
        state = unpack_state(content)
        self.skips.rewind(state.step)
        return state

    def _finished(self) -> bool:
        """Whether there is no epoch left, or no hope within ``patience``."""
        waited = epochs_without_gain(self.state.history)
        hopeless = 0 < self.config.patience <= waited
        return hopeless or self.state.epoch >= self.config.max_epochs

    def _train_epoch(self) -> None:
        state, saved = self.state, time.monotonic()
        with open_epoch(
            self.train,
            self.config,
            self.world,
            self.augment,
            state.epoch,
            state.position,
        ) as epoch:
            meter = Meter()
            for group in epoch.groups:
                loss, norm = self._step(group, epoch.feed)
                meter.add(loss, group.tokens, norm, group.seconds)
                state.position = group.positions.stop
                if epoch.feed.last is not None:
                    self._log_step(group, loss, norm, epoch.feed.last)
                self._show(meter, epoch.size)
                late = time.monotonic() - saved > 60 * self.config.checkpoint_minutes
                stop, late = self.world.any(bool(self.stop.received), late)
                if stop or late:
                    self._save()
                    saved = time.monotonic()
                if stop:
                    raise self._interrupted()

    def _step(self, group: Group, batches: Iterator[Batch]) -> tuple[float, float]:
        return self.stepper.step(group, batches, self.state)

    def _interrupted(self) -> TrainingInterruptedError:
        return TrainingInterruptedError(
            f"training was interrupted and saved in {self.folder.last}; "
            "the same command goes on from there"
        )

    def _log_step(self, group: Group, loss: float, norm: float, last: Batch) -> None:
        state = self.state
        record = StepRecord(
            state.epoch + 1,
            state.step,
            loss,
            self.stepper.learning_rate,
            norm,
            group.seconds,
            state.skipped,
            tuple(id_ for ids in group.ids for id_ in ids),
        )
        self.log.step(record, last)

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
        with self.stepper.averaged():
            result = self.dev_check.result(self.model, self.state)
            if result is not None:
                self._keep(result)
        self._save()
        if result is None:
            raise self._interrupted()
        if self.world.is_main:
            self.folder.remove_worse(self.state.history)

    def _keep(self, result: EpochResult) -> None:
        """Count, print and log an epoch, and write its weights."""
        state = self.state
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
        self.log.epoch(result, state, self.model)
        if self.world.is_main:
            self.folder.save_weights(state.epoch, self.model)

    def _save(self) -> None:
        self.log.sync()
        if self.world.is_main:
            self.folder.save(pack_state(self.state, self.stepper.state_dict()))
