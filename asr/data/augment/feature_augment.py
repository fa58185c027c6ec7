"""Augmentation of log-mel features while training.

The generator that is handed in decides everything; what is switched off draws nothing
from it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.config_augment import FeatureAugmentConfig, SpecAugmentConfig
from asr.data.augment.chance import fires
from asr.data.augment.mel_axis import FLOOR, bin_of, centres, rounding_noise
from asr.data.augment.specaugment import interpolate, spec_augment

Features = NDArray[np.float32]

KNEE = 0.6  # of half the sample rate


@dataclass(frozen=True)
class FeatureAugment:
    """All of them in a row: tract length, level, band, then SpecAugment.

    Attributes:
        config: the first three.
        masks: SpecAugment.
        sample_rate: Hz, of the audio that the features were made of.
    """

    config: FeatureAugmentConfig
    masks: SpecAugmentConfig
    sample_rate: int

    def __call__(self, features: Features, rng: np.random.Generator) -> Features:
        """Return new (T, F) features of the same shape."""
        vtlp, gain, band = self.config.vtlp, self.config.gain, self.config.band_limit
        if fires(vtlp, rng):
            factor = rng.uniform(vtlp.min_factor, vtlp.max_factor)
            features = warp_frequency(features, factor, self.sample_rate)
        if fires(gain, rng):
            features = change_level(features, rng.uniform(gain.min_db, gain.max_db))
        if fires(band, rng):
            cutoff = rng.uniform(band.min_hz, band.max_hz)
            features = limit_band(features, rng, cutoff, self.sample_rate)
        if fires(self.masks, rng):
            features = self._mask(features, rng)
        return features

    def _mask(self, features: Features, rng: np.random.Generator) -> Features:
        m = self.masks
        return spec_augment(
            features,
            rng,
            time_warp=m.time_warp,
            freq_masks=m.freq_masks,
            freq_width=m.freq_width,
            time_masks=m.time_masks,
            time_width=m.time_width,
            time_ratio=m.time_ratio,
        )


def warp_frequency(features: Features, factor: float, sample_rate: int) -> Features:
    """Stretch the frequency axis by ``factor``: vocal-tract-length perturbation.

    Jaitly and Hinton (2013): frequencies are multiplied up to a knee at 4800 Hz (of
    16 kHz audio), and moved linearly above it, so that half the sample rate stays
    where it is. Here bins are interpolated, instead of filters moved; factor 1
    changes nothing.
    """
    if factor == 1.0:
        return features.copy()
    bins = features.shape[1]
    top = sample_rate / 2
    knee = KNEE * top * min(factor, 1.0)
    heard = centres(sample_rate, bins)
    spoken = np.interp(heard, [0.0, knee, top], [0.0, knee / factor, top])
    source = np.clip(bin_of(spoken, sample_rate, bins), 0, bins - 1)
    return np.ascontiguousarray(interpolate(features.T, source).T)


def change_level(features: Features, decibel: float) -> Features:
    """Add a level to log-mel features; exact but for the floor of digital silence."""
    offset = np.float32(decibel * np.log(10) / 10)
    return np.asarray(np.maximum(features + offset, np.float32(FLOOR)), np.float32)


def limit_band(
    features: Features, rng: np.random.Generator, cutoff: float, sample_rate: int
) -> Features:
    """Put the noise of 16-bit samples into all bins centred above ``cutoff`` Hz."""
    frames, bins = features.shape
    first = int(np.searchsorted(centres(sample_rate, bins), cutoff, side="right"))
    mean, deviation = rounding_noise(sample_rate, bins)
    limited = features.copy()
    limited[:, first:] = rng.normal(
        mean[first:], deviation[first:], (frames, bins - first)
    )
    return limited
