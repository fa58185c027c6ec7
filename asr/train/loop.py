"""The training of an acoustic model."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from asr.config import TrainConfig
from asr.data.dataset import Augment, Batch
from asr.models.create import AcousticModel
from asr.text.units import Units
from asr.train.check_options import check_options
from asr.train.checkpoint_folder import CheckpointFolder
from asr.train.criterion import new_stepper
from asr.train.ctc_step import CtcStepper
from asr.train.dev import DevCheck
from asr.train.epoch import Epoch, epoch_plan, open_epoch, updates
from asr.train.interrupt import StopSignals
from asr.train.log import TrainLog
from asr.train.memory import plain_out_of_memory, try_largest
from asr.train.realign import (
    apply,
    choose_pronunciations,
    draw_pronunciations,
    read_tokens,
    write_tokens,
)
from asr.train.skipped import SkipLog
from asr.train.split import Split
from asr.train.state import EpochResult
from asr.train.training import Training
from asr.train.world import World


class Trainer(Training[Batch]):
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

    result_type = EpochResult
    stepper: CtcStepper

    def __init__(
        self,
        model: AcousticModel,
        train: Split,
        dev: Split,
        tokenizer: Units,
        config: TrainConfig,
        folder: Path,
        signature: Mapping[str, Any],
        world: World | None = None,
        augment: Augment | None = None,
        log: TrainLog | None = None,
    ) -> None:
        check_options(config)
        world = world or World()
        self.device = world.device
        self.model = model.to(self.device).train()
        self.train, self.config, self.augment = train, config, augment
        self.units = tokenizer
        self.plan = epoch_plan(train, config, epoch=1)  # those of all epochs are alike
        path = folder / "skipped.tsv" if world.is_main else None
        steps = config.max_epochs * updates(self.plan, config, world)
        skips = SkipLog(path, config.max_skipped)
        stop = StopSignals()
        self.dev_check = DevCheck(
            dev, tokenizer, config.batch_seconds, world, stop, config.preliminary_epochs
        )
        super().__init__(
            new_stepper(
                self.model, config, world, steps, skips, train, tokenizer.vocab_size
            ),
            config,
            CheckpointFolder(folder, signature, config.keep_checkpoints),
            log or TrainLog(),
            stop,
        )
        self._take_chosen()

    def open_epoch(self) -> AbstractContextManager[Epoch[Batch]]:
        if self.state.position == 0 and self.state.epoch in self._realign_epochs:
            self._choose_pronunciations()
        return open_epoch(
            self.train,
            self.config,
            self.world,
            self.augment,
            self.state.epoch,
            self.state.position,
        )

    def measure(self) -> EpochResult | None:
        return self.dev_check.result(self.model, self.state)

    def out_of_memory(self) -> AbstractContextManager[None]:
        return plain_out_of_memory(self.config.batch_seconds, "in training")

    @property
    def epoch_amount(self) -> float:
        return self.train.seconds

    def try_memory(self) -> None:
        try_largest(self.stepper, self.train, self.plan)

    @property
    def _realign_epochs(self) -> tuple[int, ...]:
        """None with units in which a word is spelled in one way."""
        return self.config.realign_epochs if self.units.separator else ()

    def _choose_pronunciations(self) -> None:
        """By the model as it is; a training that goes on later reads them again."""
        if self.world.is_main:
            with self.stepper.averaged():
                chosen = choose_pronunciations(
                    self.model,
                    self.train,
                    self.units,
                    self.config.batch_seconds,
                    self.device,
                )
            write_tokens(chosen, self._chosen_file(self.state.epoch))
        self.world.wait()
        self._take_chosen()

    def _take_chosen(self) -> None:
        """Learn from the pronunciations that were chosen last; before, from random ones."""
        if not self._realign_epochs:
            return
        past = [e for e in self._realign_epochs if e <= self.state.epoch]
        if not past:
            self.train = draw_pronunciations(
                self.train, self.units, self.config.seed, self.model.output_lengths
            )
        elif max(past) < self.state.epoch or self._chosen_file(max(past)).exists():
            self._take_file(max(past))
        else:  # they are chosen as soon as this epoch begins
            return
        self.stepper.learn_from([u.tokens for u in self.train.utterances])

    def _take_file(self, epoch: int) -> None:
        """Put what was chosen after ``epoch`` in the place of the transcripts' tokens."""
        chosen = read_tokens(self._chosen_file(epoch))
        self.train, differ = apply(chosen, self.train, self.model.output_lengths)
        print(
            f"pronunciations chosen after epoch {epoch}: {differ} of "
            f"{len(self.train.utterances)} transcripts differ",
            flush=True,
        )

    def _chosen_file(self, epoch: int) -> Path:
        return self.folder.path / f"pronunciations-{epoch}.tsv"
