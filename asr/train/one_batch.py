"""One batch learned by heart: the first thing to try with new data or a new model."""

import dataclasses

from torch import nn

from asr.config import TrainConfig
from asr.data.dataset import Batch, BatchDataset
from asr.errors import RecipeError
from asr.models.create import AcousticModel
from asr.progress import LineTimer
from asr.text.units import Units
from asr.train.criterion import new_stepper
from asr.train.group import groups
from asr.train.memory import plain_out_of_memory
from asr.train.skipped import SkipLog
from asr.train.split import Split
from asr.train.state import TrainState
from asr.train.validate import Validation, validate
from asr.train.world import World

SECONDS = 16.0  # of audio, at most: more would only take longer
STEPS = 600
CHECKED_EVERY = 10
SMALL_LOSS = 0.1  # per token


def learn_one_batch(
    model: AcousticModel, train: Split, tokenizer: Units, config: TrainConfig
) -> int:
    """Train on one batch until WER is 0 and the loss near 0; return the steps taken.

    Without augmentation, dropout and weight decay, at a constant learning rate. Data,
    transcripts, model and loss fit together if this succeeds; it writes nothing.

    Args:
        train: a batch of utterances of middle length is taken from it.

    Raises:
        RecipeError: it is not learned in ``STEPS`` steps.
    """
    world, state, timer = World(), TrainState(), LineTimer()
    split, batch = _choose(train, config)
    (group,) = groups(split, [range(len(batch.ids))], epoch=0, start=0, size=1)
    model = model.to(world.device).train()
    _without_dropout(model)
    config = _plain(config)
    skips = SkipLog(None, config.max_skipped)
    size = tokenizer.vocab_size
    stepper = new_stepper(model, config, world, STEPS, skips, split, size)
    print(f"one batch: {len(batch.ids)} utterances, {batch.seconds:.0f} s", flush=True)
    with plain_out_of_memory(batch.seconds, "on one batch"):
        while state.step < STEPS:
            stepper.step(group, iter([batch]), state)
            if state.step % CHECKED_EVERY:
                continue
            found = validate(model, [batch], tokenizer, split.texts, world.device)
            learned = found.wer.rate == 0 and found.loss < SMALL_LOSS
            if learned or timer.due():
                _show(state.step, found, timer)
            if learned:
                return state.step
    _show(state.step, found, timer)
    raise RecipeError(
        f"one batch was not learned by heart in {STEPS} steps: look at the transcripts "
        "and at the features of its utterances, "
        f"{' '.join(batch.ids)}; or try another train.learning_rate"
    )


def _show(step: int, found: Validation, timer: LineTimer) -> None:
    print(
        f"one batch, step {step}: loss {found.loss:.3f} a token, "
        f"WER {100 * found.wer.rate:.1f} %, {timer.seconds:.0f} s",
        flush=True,
    )


def _choose(train: Split, config: TrainConfig) -> tuple[Split, Batch]:
    """The middle one of the batches from short to long, and a split of it alone."""
    seconds = min(SECONDS, config.batch_seconds)
    plan = train.plan(seconds, seed=config.seed, epoch=0, by_length=True)
    chosen = [train.utterances[i] for i in plan[len(plan) // 2]]
    split = dataclasses.replace(train, utterances=chosen)
    return split, BatchDataset(train.reader, chosen, [range(len(chosen))])[0]


def _plain(config: TrainConfig) -> TrainConfig:
    return dataclasses.replace(
        config,
        schedule="constant",
        warmup_steps=20,
        weight_decay=0.0,
        ema_decay=0.0,
    )


def _without_dropout(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
