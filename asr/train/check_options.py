"""Values of the configuration that make no sense."""

from asr.config import TrainConfig
from asr.errors import UsageError


def check_options(config: TrainConfig) -> None:
    """Raise UsageError for a number that makes no sense."""
    for name, sensible in (
        ("max_epochs", config.max_epochs >= 1),
        ("accumulate", config.accumulate >= 1),
        ("patience", config.patience >= 0),
        ("max_skipped", config.max_skipped >= 1),
        ("ema_decay", 0 <= config.ema_decay < 1),
    ):
        if not sensible:
            value = getattr(config, name)
            raise UsageError(
                f"train.{name}={value}: out of range, see docs/training.md"
            )
