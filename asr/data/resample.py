"""Resampling that gives the same bits on every machine."""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
Float = NDArray[np.float64]

TAP_SCALE = 1 << 20  # 16-bit samples times such taps stay exact in a double


def resample(samples: Pcm, from_rate: int, to_rate: int) -> Pcm:
    """Windowed-sinc resampling of (num_samples,) by a rational factor.

    ``down`` samples become ``up``, block by block, in one matrix product. Samples and
    filter are whole numbers, so the sums are exact and no machine's order of adding
    can change a bit.
    """
    divisor = math.gcd(from_rate, to_rate)
    up, down = to_rate // divisor, from_rate // divisor
    taps = _taps(up, down)
    margin = (len(taps) - down) // 2
    blocks = -(-len(samples) // down)
    padded = np.zeros(blocks * down + 2 * margin)
    padded[margin : margin + len(samples)] = samples
    view = np.lib.stride_tricks.sliding_window_view(padded, len(taps))[::down]
    windows = np.ascontiguousarray(view)  # overlapping rows are slow to multiply
    resampled = (windows @ taps).reshape(-1) / TAP_SCALE
    return to_pcm(resampled[: -(-len(samples) * up // down)])


def to_pcm(samples: Float) -> Pcm:
    """Round to 16 bits, clipping."""
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


@cache
def _taps(up: int, down: int, zeros: int = 16) -> Float:
    """(down + 2 * margin, up) filter: column j makes output sample j of a block.

    A Hann-windowed sinc with ``zeros`` zero crossings on each side, in whole units of
    1 / TAP_SCALE.
    """
    cutoff = 0.95 * min(1.0, up / down)
    margin = math.ceil(zeros / cutoff)
    row = np.arange(-margin, down + margin)[:, None]
    offset = row - np.arange(up)[None, :] * down / up
    window = np.cos(np.pi * np.clip(offset / (2 * margin), -0.5, 0.5)) ** 2
    taps = cutoff * np.sinc(cutoff * offset) * window
    return np.asarray(np.rint(taps * TAP_SCALE), dtype=np.float64)
