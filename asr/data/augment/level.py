"""Level of waveforms: gain, and signal-to-noise ratio."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def change_gain(samples: Samples, decibel: float) -> Samples:
    """Multiply (num_samples,) by a level in dB."""
    return samples * np.float32(10 ** (decibel / 20))


def add_noise(
    samples: Samples, noise: Samples, snr: float, rng: np.random.Generator
) -> Samples:
    """Add noise at a signal-to-noise ratio in dB, both powers over the utterance.

    The noise goes round if it is short. A clip is often silent but for a moment, so
    one of its louder samples (within 20 dB of its peak) is put at a random place.

    Args:
        samples: (num_samples,); digital silence is returned as it is.
        noise: (any length,) of the same sample rate, not silent.
    """
    power = _power(samples)
    if power == 0.0:
        return samples.copy()
    loudness = np.abs(noise)
    loud = np.flatnonzero(loudness >= 0.1 * loudness.max())
    here = int(rng.integers(len(samples)))
    there = int(loud[rng.integers(len(loud))])
    chosen = noise[(np.arange(len(samples)) - here + there) % len(noise)]
    scale = np.sqrt(power / _power(chosen) / 10 ** (snr / 10))
    return np.asarray(samples + np.float32(scale) * chosen, np.float32)


def same_level(samples: Samples, original: Samples) -> Samples:
    """Scale so that the power is the original's."""
    power = _power(samples)
    if power == 0.0:
        return samples
    return samples * np.float32(np.sqrt(_power(original) / power))


def to_16_bits(samples: Samples) -> Samples:
    """Round and clip as a file of 16-bit samples does, still in [-1, 1]."""
    levels = np.clip(np.rint(samples * 32768.0), -32768, 32767)
    return np.asarray(levels / 32768.0, np.float32)


def _power(samples: Samples) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
