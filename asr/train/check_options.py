"""Values of the configuration that make no sense."""

import operator

from asr.config import TrainConfig
from asr.errors import UsageError

LOSSES = ("ctc", "mmi")


def check_options(config: TrainConfig) -> None:
    """Raise UsageError for a number that makes no sense."""
    if config.loss not in LOSSES:
        choices = " or ".join(LOSSES)
        raise UsageError(f"train.loss={config.loss}: choose {choices}")
    for name, sensible in (
        ("max_epochs", config.max_epochs >= 1),
        ("batch_seconds", config.batch_seconds > 0),
        ("learning_rate", config.learning_rate > 0),
        ("weight_decay", config.weight_decay >= 0),
        ("accumulate", config.accumulate >= 1),
        ("patience", config.patience >= 0),
        ("max_skipped", config.max_skipped >= 1),
        ("ema_decay", 0 <= config.ema_decay < 1),
        ("mmi.ctc_scale", config.mmi.ctc_scale >= 0),
        ("realign_epochs", all(epoch >= 0 for epoch in config.realign_epochs)),
    ):
        if not sensible:
            value = operator.attrgetter(name)(config)
            raise UsageError(
                f"train.{name}={value}: out of range, see docs/training.md"
            )
