"""Learning rate over the steps, as a factor on its peak."""

import math

from asr.errors import UsageError

SCHEDULES = ("cosine", "noam", "onecycle", "constant")
ONE_CYCLE_START = 1 / 25  # of the peak


def schedule_factor(
    name: str, step: int, *, warmup_steps: int, total_steps: int, final_ratio: float
) -> float:
    """Factor at ``step`` (from 0) of one of the schedules.

    ``cosine``: linear warm-up, then half a cosine (Loshchilov and Hutter 2017, without
    restarts). ``onecycle``: both ways in half a cosine, from 1/25 (Smith and Topin
    2018, without its momentum). ``noam``: linear warm-up, then one over the square
    root of the step (Vaswani et al. 2017), with its peak at 1. ``constant``: linear
    warm-up, then 1.

    Args:
        warmup_steps: steps until the peak.
        total_steps: of the training; cosine and onecycle end there.
        final_ratio: their factor at the end.

    Raises:
        UsageError: another name.
    """
    if name not in SCHEDULES:
        raise UsageError(f"train.schedule={name}: cosine, noam, onecycle or constant")
    if name == "noam":
        return _noam(step + 1, max(1, warmup_steps))
    if step < warmup_steps:
        if name == "onecycle":
            return _half_cosine(ONE_CYCLE_START, 1.0, step / warmup_steps)
        return (step + 1) / warmup_steps
    if name == "constant":
        return 1.0
    rest = max(1, total_steps - warmup_steps)
    return _half_cosine(1.0, final_ratio, min(1.0, (step - warmup_steps) / rest))


def tell_long_warmup(warmup_steps: int, total_steps: int) -> None:
    """Print a note if the training ends before its learning rate is there."""
    if warmup_steps >= total_steps:
        print(
            f"note: warmup_steps is {warmup_steps}, but the training has only "
            f"{total_steps} updates, so it ends before the learning rate is reached; set "
            "a smaller one, or more epochs",
            flush=True,
        )


def _noam(number: int, warmup_steps: int) -> float:
    """``number`` counts steps from 1."""
    return min(number / warmup_steps, math.sqrt(warmup_steps / number))


def _half_cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * progress))
