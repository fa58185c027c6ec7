"""The stepper for the loss that the configuration names."""

from asr.config import TrainConfig
from asr.models.create import AcousticModel
from asr.train.ctc_step import CtcStepper
from asr.train.group import idle_batch
from asr.train.mmi_step import MmiStepper
from asr.train.skipped import SkipLog
from asr.train.split import Split
from asr.train.world import World


def new_stepper(
    model: AcousticModel,
    config: TrainConfig,
    world: World,
    total_steps: int,
    skips: SkipLog,
    train: Split,
    vocab_size: int,
) -> CtcStepper:
    """By ``config.loss``: ``ctc``, or ``mmi`` with a bigram of the transcripts."""
    idle = idle_batch(train)
    if config.loss == "ctc":
        return CtcStepper(model, config, world, total_steps, skips, idle)
    stepper = MmiStepper(model, config, world, total_steps, skips, idle, vocab_size)
    stepper.learn_from([utterance.tokens for utterance in train.utterances])
    return stepper
