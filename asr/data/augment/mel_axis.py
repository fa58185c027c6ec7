"""The frequency axis of the features, and what silence looks like on it."""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from asr.data.fbank import compute

Floats = NDArray[np.float64]

LOW_HZ, HIGH_MARGIN_HZ = 20.0, 400.0  # of the lowest and the highest filter's edge
FLOOR = float(np.log(np.finfo(np.float32).eps))  # of digital silence, in the features


def centres(sample_rate: int, bins: int) -> Floats:
    """Centre of every filter in Hz, on the mel axis of Kaldi and HTK."""
    numbers = np.arange(1.0, bins + 1)
    return _hz(_LOW_MEL + numbers * _step(sample_rate, bins))


def bin_of(hertz: Floats, sample_rate: int, bins: int) -> Floats:
    """The inverse: where frequencies lie between the filters' centres."""
    return (_mel(hertz) - _LOW_MEL) / _step(sample_rate, bins) - 1


@cache
def rounding_noise(sample_rate: int, bins: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation, per bin, of the noise of 16-bit samples.

    That is all there is above the cut-off of an encoder once its output lies in a
    FLAC or WAV file: band-limited LibriSpeech has these values to 0.1.
    """
    rng = np.random.default_rng(0)
    noise = rng.uniform(-0.5, 0.5, 10 * sample_rate) / 32768
    features = compute(noise.astype(np.float32), sample_rate, bins)
    return features.mean(0, np.float64), features.std(0, np.float64)


def _step(sample_rate: int, bins: int) -> float:
    """Mels between neighbouring centres."""
    return (_mel_of(sample_rate / 2 - HIGH_MARGIN_HZ) - _LOW_MEL) / (bins + 1)


def _mel(hertz: Floats) -> Floats:
    return np.asarray(1127.0 * np.log1p(hertz / 700.0))


def _mel_of(hertz: float) -> float:
    return 1127.0 * math.log1p(hertz / 700.0)


def _hz(mel: Floats) -> Floats:
    return np.asarray(700.0 * np.expm1(mel / 1127.0))


_LOW_MEL = _mel_of(LOW_HZ)
