"""Whether an augmentation happens this time."""

import numpy as np

from asr.config_augment import Switch


def fires(switch: Switch, rng: np.random.Generator) -> bool:
    """Draw it, unless it is certain: then nothing is drawn from ``rng``."""
    if not switch.enabled or switch.probability == 0.0:
        return False
    return switch.probability == 1.0 or rng.random() < switch.probability
