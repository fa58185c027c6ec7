"""Augmentation of waveforms, before their features are made."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.config_augment import WaveAugmentConfig
from asr.data.augment.band import low_pass, through_codec
from asr.data.augment.chance import fires
from asr.data.augment.level import add_noise, change_gain, to_16_bits
from asr.data.augment.pitch import shift_pitch
from asr.data.augment.reverb import reverberate, simulate_impulse
from asr.data.augment.sounds import read_impulse, read_noise

Samples = NDArray[np.float32]
Rng = np.random.Generator
Effect = Callable[[Samples, Rng], Samples]


@dataclass(frozen=True)
class WaveAugment:
    """What happens between a mouth and a file, in that order; each by its chance.

    Attributes:
        config: switches, probabilities and ranges.
        sample_rate: Hz, of all samples.
        noises: files of noise; at least one if noise is enabled.
        impulses: files of impulse responses; none: they are simulated.
    """

    config: WaveAugmentConfig
    sample_rate: int
    noises: tuple[Path, ...] = ()
    impulses: tuple[Path, ...] = ()

    def __call__(self, samples: Samples, id_: str, copy: int) -> Samples:
        """Return copy number ``copy`` of an utterance, (num_samples,) like it.

        Every effect draws from a generator of its own, seeded by (seed, id, copy, its
        name): neither other utterances nor other switches change what happens.

        Raises:
            AudioError: a noise or an impulse response cannot be read.
        """
        changed = samples
        for name, effect in self._effects().items():
            rng = generator(self.config.seed, id_, copy, name)
            if fires(getattr(self.config, name), rng):
                changed = effect(changed, rng)
        return samples if changed is samples else to_16_bits(changed)

    def apply(self, name: str, samples: Samples, rng: Rng) -> Samples:
        """One effect, whatever its switch and its probability say."""
        return to_16_bits(self._effects()[name](samples, rng))

    def _effects(self) -> dict[str, Effect]:
        return {
            "pitch": self._pitch,
            "reverb": self._reverb,
            "noise": self._noise,
            "gain": self._gain,
            "band_limit": self._band_limit,
            "codec": self._codec,
        }

    def _pitch(self, samples: Samples, rng: Rng) -> Samples:
        pitch = self.config.pitch
        semitones = rng.uniform(pitch.min_semitones, pitch.max_semitones)
        return shift_pitch(samples, semitones, self.sample_rate)

    def _reverb(self, samples: Samples, rng: Rng) -> Samples:
        reverb = self.config.reverb
        if self.impulses:
            path = self.impulses[rng.integers(len(self.impulses))]
            return reverberate(samples, read_impulse(path, self.sample_rate))
        rt60 = rng.uniform(reverb.min_rt60, reverb.max_rt60)
        drr = rng.uniform(reverb.min_drr, reverb.max_drr)
        impulse = simulate_impulse(rng, self.sample_rate, rt60, drr)
        return reverberate(samples, impulse)

    def _noise(self, samples: Samples, rng: Rng) -> Samples:
        noise = self.config.noise
        path = self.noises[rng.integers(len(self.noises))]
        snr = rng.uniform(noise.min_snr, noise.max_snr)
        return add_noise(samples, read_noise(path, self.sample_rate, rng), snr, rng)

    def _gain(self, samples: Samples, rng: Rng) -> Samples:
        gain = self.config.gain
        return change_gain(samples, rng.uniform(gain.min_db, gain.max_db))

    def _band_limit(self, samples: Samples, rng: Rng) -> Samples:
        band = self.config.band_limit
        return low_pass(
            samples, rng.uniform(band.min_hz, band.max_hz), self.sample_rate
        )

    def _codec(self, samples: Samples, rng: Rng) -> Samples:
        codec = self.config.codec
        name = codec.formats[rng.integers(len(codec.formats))]
        kbps = rng.uniform(codec.min_kbps, codec.max_kbps)
        return through_codec(samples, name, kbps, self.sample_rate)


def generator(seed: int, id_: str, copy: int, name: str) -> Rng:
    """The random numbers of one effect on one copy, the same on every machine."""
    text = "\0".join([str(seed), id_, str(copy), name])
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, "<u4"))
