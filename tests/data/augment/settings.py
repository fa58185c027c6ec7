"""The augmentations of the tests: all switched off, and how to switch some on."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.config_augment import (
    BandLimitConfig,
    CodecConfig,
    FeatureAugmentConfig,
    GainConfig,
    NoiseConfig,
    PitchConfig,
    ReverbConfig,
    SpecAugmentConfig,
    VtlpConfig,
    WaveAugmentConfig,
)

WAVE = WaveAugmentConfig(
    copies=2,
    seed=3,
    pitch=PitchConfig(False, 1.0, -2.0, 2.0),
    reverb=ReverbConfig(False, 1.0, None, 0.1, 0.4, 0.0, 10.0),
    noise=NoiseConfig(False, 1.0, "noise", 0.0, 20.0),
    gain=GainConfig(False, 1.0, -12.0, -6.0),
    band_limit=BandLimitConfig(False, 1.0, 2000.0, 4000.0),
    codec=CodecConfig(False, 1.0, ("mp3", "opus"), 16.0, 32.0),
)
FEATURE = FeatureAugmentConfig(
    VtlpConfig(False, 1.0, 0.9, 1.1),
    GainConfig(False, 1.0, -12.0, 6.0),
    BandLimitConfig(False, 1.0, 3000.0, 7000.0),
)
NO_MASKS = SpecAugmentConfig(False, 1.0, 5, 2, 10, 2, 20, 0.5)


def switched_on(config: Any, *names: str, **changes: Any) -> Any:
    """The same configuration with some parts enabled; ``changes`` go to all these."""
    return replace(
        config,
        **{n: replace(getattr(config, n), enabled=True, **changes) for n in names},
    )


def speech_like(seconds: float = 1.0, seed: int = 0) -> NDArray[np.float32]:
    """(num_samples,) harmonics of a gliding voice, loud and soft by turns, at 16 kHz."""
    time = np.arange(round(seconds * 16000)) / 16000
    pitch = 120 + 30 * np.sin(2 * np.pi * (0.7 * time + seed / 7))
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    voice = sum(np.sin(k * phase) / k for k in range(1, 60))
    loudness = 0.15 * (1.2 + np.sin(2 * np.pi * 3 * time))
    hiss = np.random.default_rng(seed).normal(scale=1e-3, size=len(time))
    return np.asarray(0.5 * voice * loudness + hiss, np.float32)


def power(samples: NDArray[np.float32]) -> float:
    return float(np.mean(samples.astype(np.float64) ** 2))


def delay(after: NDArray[np.float32], before: NDArray[np.float32]) -> int:
    """Samples by which ``after`` comes later, by the whole cross-correlation."""
    both = np.correlate(after.astype(np.float64), before.astype(np.float64), "full")
    return int(both.argmax()) - (len(before) - 1)
