"""The configuration of augmentations: each has its own switch and probability."""

import math
from dataclasses import dataclass, fields

CODECS = ("mp3", "opus", "vorbis")


@dataclass(frozen=True)
class Switch:
    """What all augmentations have.

    Raises:
        ValueError: a probability outside [0, 1], or ``min_x`` above ``max_x``; the
            message begins with the field's name.
    """

    enabled: bool  # whether it is used at all
    probability: float  # [0 to 1] of being applied to an utterance

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"probability is {self.probability}: from 0 to 1")
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, low in values.items():
            if not name.startswith("min_"):
                continue
            high = values[f"max_{name[4:]}"]
            if not (math.isfinite(low) and math.isfinite(high)):
                raise ValueError(f"{name} and max_{name[4:]} have to be finite")
            if low > high:
                raise ValueError(f"{name} is {low}, above max_{name[4:]}, {high}")


@dataclass(frozen=True)
class GainConfig(Switch):
    """Level, in dB."""

    min_db: float  # of the change, which is drawn evenly
    max_db: float  # of the change; min_db or more


@dataclass(frozen=True)
class NoiseConfig(Switch):
    """Noise of a folder, at a signal-to-noise ratio in dB."""

    folder: str | None  # a path, or a folder below --download-dir
    min_snr: float  # dB, lowest ratio that is drawn
    max_snr: float  # dB, highest; min_snr or more


@dataclass(frozen=True)
class ReverbConfig(Switch):
    """Measured impulse responses, or simulated ones where ``folder`` is null."""

    folder: str | None  # a path, or a folder below --download-dir
    min_rt60: float  # [> 0] seconds in which a simulated room decays by 60 dB
    max_rt60: float  # the longest; min_rt60 or more
    min_drr: float  # dB of the direct sound above a simulated reverberation
    max_drr: float  # the highest; min_drr or more

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_rt60 <= 0:
            raise ValueError(f"min_rt60 is {self.min_rt60}: above 0 seconds")


@dataclass(frozen=True)
class PitchConfig(Switch):
    """Pitch, in semitones."""

    min_semitones: float  # [>= -12] lowest change that is drawn
    max_semitones: float  # [<= 12] highest; min_semitones or more

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_semitones < -12 or self.max_semitones > 12:
            raise ValueError("min_semitones and max_semitones: within an octave, 12")


@dataclass(frozen=True)
class BandLimitConfig(Switch):
    """Nothing is left above a cut-off in Hz."""

    min_hz: float  # [> 0] lowest cut-off that is drawn
    max_hz: float  # highest; min_hz or more

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_hz <= 0:
            raise ValueError(f"min_hz is {self.min_hz}: above 0 Hz")


@dataclass(frozen=True)
class CodecConfig(Switch):
    """Encoded and decoded again."""

    formats: tuple[str, ...]  # [each mp3 | opus | vorbis] one is drawn
    min_kbps: float  # [> 0] lowest bit rate that is drawn, kbit/s
    max_kbps: float  # highest; min_kbps or more

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.formats:
            if name not in CODECS:
                raise ValueError(f"formats: {name}: known are {', '.join(CODECS)}")
        if not self.formats:
            raise ValueError(f"formats: at least one of {', '.join(CODECS)}")
        if self.min_kbps <= 0:
            raise ValueError(f"min_kbps is {self.min_kbps}: above 0")


@dataclass(frozen=True)
class WaveAugmentConfig:
    """Stage 2: copies of train whose waveforms are changed, in this order."""

    copies: int  # [>= 0] of every utterance, if anything below is enabled
    seed: int  # [>= 0] of all that is drawn
    pitch: PitchConfig
    reverb: ReverbConfig
    noise: NoiseConfig
    gain: GainConfig
    band_limit: BandLimitConfig
    codec: CodecConfig

    def __post_init__(self) -> None:
        if self.copies < 0 or self.seed < 0:
            raise ValueError("copies and seed: 0 or more")
        if self.noise.enabled and not self.noise.folder:
            raise ValueError("noise.enabled is true, so noise.folder has to name one")

    @property
    def active_copies(self) -> int:
        """Copies to make: none while everything is switched off."""
        parts = (self.pitch, self.reverb, self.noise, self.gain, self.band_limit)
        return self.copies * any(p.enabled for p in (*parts, self.codec))


@dataclass(frozen=True)
class VtlpConfig(Switch):
    """Vocal-tract-length perturbation: the frequency axis is stretched by a factor."""

    min_factor: float  # [>= 0.5] smallest that is drawn
    max_factor: float  # [<= 2] largest; min_factor or more

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_factor < 0.5 or self.max_factor > 2.0:
            raise ValueError("min_factor and max_factor: from 0.5 to 2")


@dataclass(frozen=True)
class FeatureAugmentConfig:
    """Stage 6: features are changed on the fly, in this order, before SpecAugment."""

    vtlp: VtlpConfig
    gain: GainConfig
    band_limit: BandLimitConfig


@dataclass(frozen=True)
class SpecAugmentConfig(Switch):
    """Warp and masks on the features, on the fly, last (Park et al. 2019)."""

    time_warp: int  # frames that a moment is moved by, at most; 0: none
    freq_masks: int  # bands of frequency that are taken out
    freq_width: int  # bins of each, at most
    time_masks: int  # spans of time that are taken out
    time_width: int  # frames of each, at most
    time_ratio: float  # of the utterance, at most, for each span
