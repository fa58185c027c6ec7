"""Pitch shift: another voice at the same tempo."""

import numpy as np
from numpy.typing import NDArray

from asr.data.audio import resample

Samples = NDArray[np.float32]

FRAME, SEARCH = 0.03, 0.01  # seconds: window, and how far it may slide either way
STEPS = 100  # factors are rounded to hundredths, so that few filters are built


def shift_pitch(samples: Samples, semitones: float, sample_rate: int) -> Samples:
    """Move pitch and formants by semitones (to 1 %); (num_samples,) stay as many.

    Stretched in time at the same pitch, then played faster or slower.
    """
    factor = round(2 ** (semitones / 12) * STEPS)
    if factor == STEPS or not len(samples):
        return samples.copy()
    stretched = stretch(samples, round(len(samples) * factor / STEPS), sample_rate)
    shifted = resample(stretched, sample_rate * factor // STEPS, sample_rate)
    fitted = np.zeros(len(samples), np.float32)
    fitted[: len(shifted)] = shifted[: len(samples)]
    return fitted


def stretch(samples: Samples, length: int, sample_rate: int) -> Samples:
    """Make (num_samples,) last ``length`` samples at the same pitch.

    WSOLA (Verhelst and Roelands 1993): windows overlapping by half, each taken near
    its place where it continues the one before best.
    """
    half, search = round(FRAME * sample_rate / 2), round(SEARCH * sample_rate)
    window = np.hanning(2 * half + 1)[:-1]
    rate = len(samples) / max(1, length)
    count = length // half + 2
    padded = np.pad(samples, (half + search, 4 * half + 2 * search)).astype(np.float64)
    out = np.zeros((count + 1) * half)
    start = search  # in padded, of the window that is centred on the first sample
    for k in range(count):
        out[k * half : (k + 2) * half] += window * padded[start : start + 2 * half]
        follower = padded[start + half : start + 3 * half]
        place = round((k + 1) * half * rate)
        around = padded[place : place + 2 * half + 2 * search]
        if len(around) < len(follower) or len(follower) < 2 * half:
            break
        start = place + _best(around, follower)
    return np.asarray(out[half : half + length], np.float32)


def _best(around: NDArray[np.float64], follower: NDArray[np.float64]) -> int:
    """Where ``follower`` resembles a part of ``around`` most (normalised)."""
    size = len(follower)
    likeness = np.correlate(around, follower, "valid")
    energy = np.cumsum(np.concatenate([[0.0], around**2]))
    norm = np.sqrt(np.maximum(energy[size:] - energy[:-size], 1e-12))
    return int(np.argmax(likeness / norm))
