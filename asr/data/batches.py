"""Which utterances go into which batch: by length, bounded by seconds of audio."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_SECOND = 100
JITTER = 0.1  # of the length: lets neighbours in length meet anew in every epoch


def plan_batches(
    num_frames: Sequence[int],
    batch_seconds: float,
    *,
    seed: int,
    epoch: int,
    by_length: bool = False,
) -> list[list[int]]:
    """Plan one epoch; the same arguments give the same plan.

    Utterances are sorted by their length with some jitter and cut into batches whose
    padded size is at most ``batch_seconds`` (one longer utterance makes a batch of its
    own). The batches are then shuffled, or left from short to long.

    Args:
        num_frames: of each utterance, 10 ms each.
        batch_seconds: longest utterance times number of utterances, at most.
        seed, epoch: of the shuffling.
        by_length: short batches first, as in DeepSpeech2's SortaGrad.

    Returns:
        Batches of indices; every utterance is in exactly one.
    """
    limit = batch_seconds * FRAMES_PER_SECOND
    return plan_padded(num_frames, limit, seed=seed, epoch=epoch, by_length=by_length)


def plan_padded(
    sizes: Sequence[int] | NDArray[np.int64],
    limit: float,
    *,
    seed: int,
    epoch: int,
    by_length: bool = False,
) -> list[list[int]]:
    """The same for sizes of any unit: longest times number is at most ``limit``."""
    rng = np.random.default_rng((seed, epoch))
    frames = np.asarray(sizes)
    jitter = rng.uniform(1.0, 1.0 + JITTER, size=len(frames))
    batches: list[list[int]] = []
    longest = 0
    for index in np.argsort(frames * jitter, kind="stable").tolist():
        longest = max(longest, int(frames[index]))
        if not batches or longest * (len(batches[-1]) + 1) > limit:
            batches.append([])
            longest = int(frames[index])
        batches[-1].append(index)
    if by_length:
        return batches
    return [batches[i] for i in rng.permutation(len(batches))]
