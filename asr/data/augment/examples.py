"""One example of every augmentation, at the strong end of its configured range."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from asr.config_augment import (
    FeatureAugmentConfig,
    SpecAugmentConfig,
    WaveAugmentConfig,
)
from asr.data.augment.feature_augment import change_level, limit_band, warp_frequency
from asr.data.augment.listen import to_audio
from asr.data.augment.specaugment import spec_augment, warp_time
from asr.data.augment.wave_augment import WaveAugment, generator
from asr.data.fbank import compute

Samples = NDArray[np.float32]
Features = NDArray[np.float32]

SHOWN_WARP = 40  # frames, where the configuration has no time warp to show


@dataclass(frozen=True)
class Example:
    """What an augmentation makes of an utterance.

    Attributes:
        name: a file name.
        key: where it is configured.
        caption: what was done.
        samples: (num_samples,) in [-1, 1].
        features: (T, F) log-mel.
        rendered: whether ``samples`` were made from ``features``.
    """

    name: str
    key: str
    caption: str
    samples: Samples
    features: Features
    rendered: bool = False


def original(samples: Samples, sample_rate: int, bins: int) -> Example:
    """The utterance itself."""
    features = compute(samples, sample_rate, bins)
    return Example("original", "", "as recorded", samples, features)


def speed_examples(
    faster: Mapping[float, Samples], sample_rate: int, bins: int
) -> Iterator[Example]:
    """The utterance at other speeds: samples by factor."""
    for speed, samples in faster.items():
        features = compute(samples, sample_rate, bins)
        caption = f"played at {speed:g} times the speed"
        yield Example(f"speed_{speed:g}", "fbank.speeds", caption, samples, features)


def wave_examples(before: Example, augment: WaveAugment) -> Iterator[Example]:
    """Every augmentation of waveforms; noise only where there are files of it."""
    for name, part, changes, caption in _strong(augment):
        config = replace(
            augment.config, **{part: replace(getattr(augment.config, part), **changes)}
        )
        rng = generator(config.seed, before.name, 1, part)
        strong = replace(augment, config=config)
        samples = strong.apply(part, before.samples, rng)
        bins = before.features.shape[1]
        features = compute(samples, augment.sample_rate, bins)
        yield Example(name, f"fbank.augment.{part}", caption, samples, features)


def _strong(
    augment: WaveAugment,
) -> Iterator[tuple[str, str, dict[str, object], str]]:
    """Name, effect, its range shrunk to one end, and what that is."""
    c: WaveAugmentConfig = augment.config
    top = c.pitch.max_semitones
    pitch: dict[str, object] = {"min_semitones": top}
    yield "pitch", "pitch", pitch, f"{top:+g} semitones"
    rt60, drr = c.reverb.max_rt60, c.reverb.min_drr
    room = f"simulated room: RT60 {rt60:g} s, direct sound {drr:+g} dB"
    if augment.impulses:
        room = f"one of {len(augment.impulses)} measured rooms"
    yield "reverb", "reverb", {"min_rt60": rt60, "max_drr": drr}, room
    if augment.noises:
        snr = c.noise.min_snr
        yield "noise", "noise", {"max_snr": snr}, f"noise at {snr:g} dB SNR"
    quiet = c.gain.min_db
    yield "gain", "gain", {"max_db": quiet}, f"{quiet:+g} dB"
    cut = c.band_limit.min_hz
    yield "band_limit", "band_limit", {"max_hz": cut}, f"nothing above {cut:g} Hz"
    for codec in c.codec.formats:
        kbps = c.codec.min_kbps
        changes: dict[str, object] = {"formats": (codec,), "max_kbps": kbps}
        yield f"codec_{codec}", "codec", changes, f"{codec} at {kbps:g} kb/s and back"


def feature_examples(
    features: Features,
    config: FeatureAugmentConfig,
    masks: SpecAugmentConfig,
    sample_rate: int,
    seed: int,
) -> Iterator[Example]:
    """Every augmentation of features, with the sound of features beside it.

    The first example is the unchanged features' sound: compare the others with it.
    """
    rng = np.random.default_rng(seed)
    factor, db = config.vtlp.max_factor, config.gain.min_db
    cutoff, warp = config.band_limit.min_hz, masks.time_warp or SHOWN_WARP
    masked = spec_augment(
        features,
        rng,
        time_warp=masks.time_warp,
        freq_masks=masks.freq_masks,
        freq_width=masks.freq_width,
        time_masks=masks.time_masks,
        time_width=masks.time_width,
        time_ratio=masks.time_ratio,
    )
    changed = {
        "features": ("", "unchanged, made audible again", features),
        "vtlp": (
            "train.augment.vtlp",
            f"frequencies times {factor:g}",
            warp_frequency(features, factor, sample_rate),
        ),
        "feature_gain": (
            "train.augment.gain",
            f"{db:+g} dB",
            change_level(features, db),
        ),
        "feature_band_limit": (
            "train.augment.band_limit",
            f"rounding noise above {cutoff:g} Hz",
            limit_band(features, rng, cutoff, sample_rate),
        ),
        "time_warp": (
            "train.spec_augment.time_warp",
            f"a frame moved by up to {warp} frames",
            warp_time(features, rng, warp),
        ),
        "masks": (
            "train.spec_augment",
            f"{masks.freq_masks} masks in frequency, {masks.time_masks} in time",
            masked,
        ),
    }
    for name, (key, caption, array) in changed.items():
        sound = to_audio(array, sample_rate)
        yield Example(name, key, caption, sound, array, rendered=True)
