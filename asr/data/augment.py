"""SpecAugment on log-mel features."""

import numpy as np
from numpy.typing import NDArray


def spec_augment(
    features: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    freq_masks: int,
    freq_width: int,
    time_masks: int,
    time_width: int,
    time_ratio: float,
) -> NDArray[np.float32]:
    """Mask bands of frequency and of time with the utterance's mean.

    Follows SpecAugment (Park et al. 2019) without time warping; ``time_ratio``
    bounds each time mask of a short utterance, as in its adaptive version.

    Args:
        features: (T, F).
        rng: decides everything; the same generator state gives the same masks.
        freq_masks, freq_width: number of bands, and their width in bins, at most.
        time_masks, time_width: number of spans, and their length in frames, at most.
        time_ratio: no span is longer than this part of the utterance.

    Returns:
        A new (T, F) array.
    """
    frames, bins = features.shape
    masked = features.copy()
    fill = features.mean() if features.size else 0.0
    longest = min(time_width, int(time_ratio * frames))
    for _ in range(freq_masks):
        low, high = _span(rng, bins, min(freq_width, bins))
        masked[:, low:high] = fill
    for _ in range(time_masks):
        low, high = _span(rng, frames, longest)
        masked[low:high] = fill
    return masked


def _span(rng: np.random.Generator, size: int, longest: int) -> tuple[int, int]:
    """A random span of at most ``longest`` within ``size``."""
    width = int(rng.integers(0, longest + 1))
    low = int(rng.integers(0, size - width + 1))
    return low, low + width
