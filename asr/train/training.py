"""The training loop that acoustic and language models share."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from typing import Generic, Protocol

from asr.train.checkpoint_folder import CheckpointFolder
from asr.train.epoch import Epoch
from asr.train.group import Group
from asr.train.interrupt import StopSignals, TrainingInterruptedError
from asr.train.log import StepRecord, TrainLog
from asr.train.meter import Meter
from asr.train.state import (
    Result,
    TrainState,
    epochs_without_gain,
    pack_state,
    unpack_state,
)
from asr.train.step import BatchT, Stepper


class LoopOptions(Protocol):
    """What the loop depends on; ``asr.config.TrainConfig`` describes it."""

    @property
    def max_epochs(self) -> int: ...
    @property
    def patience(self) -> int: ...
    @property
    def checkpoint_minutes(self) -> float: ...


class Training(ABC, Generic[BatchT]):
    """Trains one model; the same call after a kill goes on from the last checkpoint.

    A subclass says what an epoch is, what is measured on dev, and what to do where
    memory does not suffice.

    Args:
        stepper: makes the updates; it has the model and the processes.
        options: how long to train, how often to save.
        folder: of the checkpoints; what lies there is taken over.
        log: told of every step and epoch; of rank 0 only.
        stop: notes the signals that end the training.
    """

    unit = "s of audio"  # of a group's amount
    result_type: type[Result] = Result

    def __init__(
        self,
        stepper: Stepper[BatchT],
        options: LoopOptions,
        folder: CheckpointFolder,
        log: TrainLog,
        stop: StopSignals,
    ) -> None:
        self.stepper, self.options, self.folder = stepper, options, folder
        self.log, self.stop = log, stop
        self.world, self.skips = stepper.world, stepper.skips
        self.state = self._resume()

    @abstractmethod
    def open_epoch(self) -> AbstractContextManager[Epoch[BatchT]]:
        """What is left of the epoch in which ``state`` stands."""

    @abstractmethod
    def measure(self) -> Result | None:
        """The model on dev; None where a signal came meanwhile."""

    @abstractmethod
    def out_of_memory(self) -> AbstractContextManager[None]:
        """Inside ``with``, errors of memory say what to do."""

    @property
    @abstractmethod
    def epoch_amount(self) -> float:
        """Seconds of audio or tokens of text in an epoch."""

    def try_memory(self) -> None:
        """Called before the first step: fail now rather than later."""

    def run(self) -> None:
        """Train to the last epoch, or until dev has not gained for long enough.

        Raises:
            TrainingInterruptedError: after SIGTERM or SIGINT, with everything saved.
            OutOfMemoryError: a batch does not fit into memory.
            RecipeError: the loss is not finite for many steps on end.
        """
        if self.world.is_main:
            print(f"{self.folder.path}: {self._where_it_stands()}", flush=True)
        with closing(self.log), self.stop, self.out_of_memory():
            self.log.begin(self.state)
            if not self._finished():
                self.try_memory()
            while not self._finished():
                self._train_epoch()
                self._finish_epoch()
        if self.state.epoch < self.options.max_epochs:
            target = self.result_type.target
            print(f"stopped: no better {target} for {self.options.patience} epochs")
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
        state = unpack_state(content, self.result_type)
        self.skips.rewind(state.step)
        return state

    def _where_it_stands(self) -> str:
        state = self.state
        if self._finished():
            return f"trained already, {state.epoch} epochs"
        if state.epoch == state.position == 0:
            return (
                "no checkpoint yet, training begins; saved every "
                f"{self.options.checkpoint_minutes:g} min and after each epoch"
            )
        return f"going on at epoch {state.epoch + 1}, batch {state.position + 1}"

    def _finished(self) -> bool:
        """Whether there is no epoch left, or no hope within ``patience``."""
        waited = epochs_without_gain(self.state.history)
        hopeless = 0 < self.options.patience <= waited
        return hopeless or self.state.epoch >= self.options.max_epochs

    def _train_epoch(self) -> None:
        state, saved = self.state, time.monotonic()
        with self.open_epoch() as epoch:
            meter = Meter(unit=self.unit)
            for group in epoch.groups:
                loss, norm = self._step(group, epoch.feed)
                meter.add(loss, group.tokens, norm, group.amount)
                state.position = group.positions.stop
                if epoch.feed.last is not None:
                    self._log_step(group, loss, norm, epoch.feed.last)
                self._show(meter, epoch.size)
                late = time.monotonic() - saved > 60 * self.options.checkpoint_minutes
                stop, late = self.world.any(bool(self.stop.received), late)
                if stop or late:
                    self._save()
                    saved = time.monotonic()
                if stop:
                    if self.world.is_main:  # W&B may take a minute to end
                        print(f"{self.folder.last}: saved, ending", flush=True)
                    raise self._interrupted()

    def _step(self, group: Group, batches: Iterator[BatchT]) -> tuple[float, float]:
        return self.stepper.step(group, batches, self.state)

    def _interrupted(self) -> TrainingInterruptedError:
        return TrainingInterruptedError(
            f"training was interrupted and saved in {self.folder.last}; "
            "the same command goes on from there"
        )

    def _log_step(self, group: Group, loss: float, norm: float, last: BatchT) -> None:
        state = self.state
        record = StepRecord(
            state.epoch + 1,
            state.step,
            loss,
            self.stepper.learning_rate,
            norm,
            group.amount,
            state.skipped,
            tuple(id_ for ids in group.ids for id_ in ids),
        )
        self.log.step(record, last)

    def _show(self, meter: Meter, batches: int) -> None:
        state = self.state
        done = state.epoch + state.position / batches
        meter.show(
            f"epoch {state.epoch + 1}/{self.options.max_epochs} "
            f"batch {state.position}/{batches}",
            self.stepper.learning_rate,
            (self.options.max_epochs - done) * self.epoch_amount,
        )

    def _finish_epoch(self) -> None:
        with self.stepper.averaged():
            result = self.measure()
            if result is not None:
                self._keep(result)
        self._save()
        if result is None:
            raise self._interrupted()
        if self.world.is_main:
            self.folder.remove_worse(self.state.history)

    def _keep(self, result: Result) -> None:
        """Count, print and log an epoch, and write its weights."""
        state = self.state
        state.epoch += 1
        state.position = 0
        state.history.append(result)
        state.epoch_loss, state.epoch_tokens = 0.0, 0
        print(result.line, flush=True)
        self.log.epoch(result, state, self.stepper.model)
        if self.world.is_main:
            self.folder.save_weights(state.epoch, self.stepper.model)

    def _save(self) -> None:
        self.log.sync()
        if self.world.is_main:
            self.folder.save(pack_state(self.state, self.stepper.state_dict()))
