"""Reverberation: the room between mouth and microphone."""

import numpy as np
from numpy.typing import NDArray

from asr.data.augment.level import same_level

Samples = NDArray[np.float32]

GAP = 0.0025  # seconds between the direct sound and the first reflections


def reverberate(samples: Samples, impulse: Samples) -> Samples:
    """Convolve with a room's impulse response; neither late nor louder.

    The response is taken from its strongest sample on, which is the direct sound, so
    that words stay where they are; the end is cut off and the level kept.

    Args:
        samples: (num_samples,).
        impulse: (any length,) of the same sample rate, not silent.

    Returns:
        (num_samples,).
    """
    direct = int(np.abs(impulse).argmax())
    response = impulse[direct : direct + len(samples)] / impulse[direct]
    size = 1 << (len(samples) + len(response)).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    wet = np.fft.irfft(spectrum, size)[: len(samples)].astype(np.float32)
    return same_level(wet, samples)


def simulate_impulse(
    rng: np.random.Generator, sample_rate: int, rt60: float, drr: float
) -> Samples:
    """A room's response as decaying white noise after the direct sound.

    Polack's (1988) model of late reverberation. Sound decays by 60 dB in ``rt60``
    seconds; the direct sound has ``drr`` dB more energy than all that follows.
    """
    time = np.arange(round(rt60 * sample_rate)) / sample_rate
    tail = rng.normal(size=len(time)) * 10.0 ** (-3.0 * time / rt60)
    silence = np.zeros(round(GAP * sample_rate))
    energy = float(np.sum(tail**2))
    if energy > 0.0:
        tail *= np.sqrt(10 ** (-drr / 10) / energy)
    return np.concatenate([[1.0], silence, tail]).astype(np.float32)
