"""SpecAugment on log-mel features."""

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]


def spec_augment(
    features: Features,
    rng: np.random.Generator,
    *,
    time_warp: int,
    freq_masks: int,
    freq_width: int,
    time_masks: int,
    time_width: int,
    time_ratio: float,
) -> Features:
    """Warp time, then mask bands of frequency and of time with the utterance's mean.

    Follows SpecAugment (Park et al. 2019); ``time_ratio`` bounds each time mask of a
    short utterance, as in its adaptive version.

    Args:
        features: (T, F).
        rng: decides everything; the same generator state gives the same result.
        time_warp: no frame moves by more than this; 0 draws nothing from ``rng``.
        freq_masks, freq_width: number of bands, and their width in bins, at most.
        time_masks, time_width: number of spans, and their length in frames, at most.
        time_ratio: no span is longer than this part of the utterance.

    Returns:
        A new (T, F) array.
    """
    frames, bins = features.shape
    masked = warp_time(features, rng, time_warp).copy()
    fill = features.mean() if features.size else 0.0
    longest = min(time_width, int(time_ratio * frames))
    for _ in range(freq_masks):
        low, high = _span(rng, bins, min(freq_width, bins))
        masked[:, low:high] = fill
    for _ in range(time_masks):
        low, high = _span(rng, frames, longest)
        masked[low:high] = fill
    return masked


def warp_time(features: Features, rng: np.random.Generator, width: int) -> Features:
    """Move a random frame by up to ``width`` frames, stretching both sides to fit.

    The first and the last frame stay, and so does T: CTC's lengths are unchanged.
    Frames between are interpolated linearly. An utterance too short for ``width``
    takes what it has room for; one of less than five frames is returned as it is.
    """
    frames = len(features)
    width = min(width, (frames - 3) // 2)
    if width < 1:
        return features
    centre = int(rng.integers(width + 1, frames - 1 - width))
    moved = centre + int(rng.integers(-width, width + 1))
    last = frames - 1
    source = np.interp(np.arange(frames), [0, moved, last], [0, centre, last])
    return interpolate(features, source)


def interpolate(features: Features, source: NDArray[np.float64]) -> Features:
    """Rows of (T, F) features at fractional positions in [0, T - 1]: (len(source), F).

    A whole position gives exactly that row.
    """
    low = np.floor(source).astype(np.int64)
    high = np.minimum(low + 1, len(features) - 1)
    weight = (source - low).astype(np.float32)[:, None]
    between = (1 - weight) * features[low] + weight * features[high]
    return np.asarray(between, np.float32)


def _span(rng: np.random.Generator, size: int, longest: int) -> tuple[int, int]:
    """A random span of at most ``longest`` within ``size``."""
    width = int(rng.integers(0, longest + 1))
    low = int(rng.integers(0, size - width + 1))
    return low, low + width
