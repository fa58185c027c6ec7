"""Learning rate over the steps."""

import math


def warmup_cosine(
    step: int, *, warmup_steps: int, total_steps: int, final_ratio: float
) -> float:
    """Factor on the peak learning rate at ``step`` (from 0).

    Linear warm-up to 1, then half a cosine down to ``final_ratio`` at the last step
    (Loshchilov and Hutter 2017, without restarts).
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    rest = max(1, total_steps - warmup_steps)
    progress = min(1.0, (step - warmup_steps) / rest)
    return final_ratio + (1 - final_ratio) * 0.5 * (1 + math.cos(math.pi * progress))
