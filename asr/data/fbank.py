"""Log-mel features: of samples, of a cut, of a shard full of cuts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lhotse import CutSet
from lhotse.cut import MonoCut
from numpy.typing import NDArray

from asr.data.audio import AudioError, check_audio, resample
from asr.data.augment.copies import all_copies, copy_of
from asr.data.augment.wave_augment import WaveAugment
from asr.data.channels import channel_of
from asr.data.half import to_storage
from asr.data.level import to_level
from asr.data.log_mel import log_mel
from asr.data.shard_writer import write_shard

FRAME_SHIFT = 0.01  # seconds


@dataclass(frozen=True)
class FbankSettings:
    """What decides the features' content.

    Attributes:
        sample_rate: Hz; other audio is resampled.
        dtype: of storage, ``float16`` or ``float32``.
        speeds: copies of the split; 1.0 is the original.
        shard_minutes: audio in one shard.
        augment: how the further copies are changed; None: there are none.
        level: that samples are brought to, dB of full scale; None: they stay.
    """

    sample_rate: int
    num_mel_bins: int
    dtype: str
    speeds: tuple[float, ...]
    shard_minutes: float
    augment: WaveAugment | None = None
    level: float | None = None


def compute(
    samples: NDArray[np.float32], sample_rate: int, num_mel_bins: int
) -> NDArray[np.float32]:
    """Return the (T, num_mel_bins) features of (num_samples,) mono samples.

    Kaldi's log-mel filter bank (25 ms Povey window every 10 ms, no dither). Frames are
    centred (``snip_edges`` False): T = round(num_samples / hop). Samples are in
    [-1, 1], so values lie lower than Kaldi's by 2 ln 32768.
    """
    return log_mel(sample_rate, num_mel_bins)(samples)


def plan(cuts: CutSet, settings: FbankSettings) -> list[list[MonoCut]]:
    """Divide the cuts and all their copies into shards of equal duration."""
    shards: list[list[MonoCut]] = [[]]
    seconds = 0.0
    augmented = settings.augment.config.active_copies if settings.augment else 0
    for cut in all_copies(cuts, settings.speeds, augmented):
        if shards[-1] and seconds + cut.duration > settings.shard_minutes * 60:
            shards.append([])
            seconds = 0.0
        shards[-1].append(cut)
        seconds += cut.duration
    return shards


def shard_name(number: int) -> str:
    """File name of a shard."""
    return f"shard-{number:04d}.h5"


def extract_shard(
    cuts: Sequence[MonoCut],
    path: Path,
    settings: FbankSettings,
    tick: Callable[[float], None] = lambda seconds: None,
) -> list[str]:
    """Write one shard, unless some audio is unreadable; return what is, by name.

    ``tick`` is told the seconds of every cut that is done.
    """
    problems: list[str] = []
    arrays: list[tuple[str, NDArray[Any]]] = []
    for cut in cuts:
        try:
            samples = _load(cut, settings)
        except AudioError as error:
            problems.append(str(error))
            continue
        features = compute(samples, settings.sample_rate, settings.num_mel_bins)
        arrays.append((cut.id, to_storage(features, settings.dtype)))
        tick(cut.duration)
    if not problems:
        write_shard(path, arrays, settings.dtype)
    return problems


def _load(cut: MonoCut, settings: FbankSettings) -> NDArray[np.float32]:
    samples, copy = load_cut(cut, settings.sample_rate), copy_of(cut)
    samples = to_level(samples, settings.sample_rate, settings.level)
    if copy is None or settings.augment is None:
        return samples
    return settings.augment(samples, *copy)


def load_cut(cut: MonoCut, sample_rate: int) -> NDArray[np.float32]:
    """Load a cut's (num_samples,) samples: all transforms applied, channels averaged.

    Of an utterance marked by :mod:`asr.data.channels`, its channel only.

    Resampled as in :mod:`asr.data.audio`; lhotse's own way depends on what is
    installed (torchaudio, else scipy).

    Raises:
        AudioError: the audio cannot be read, or is shorter than the manifest says.
    """
    from lhotse.audio import AudioLoadingError, DurationMismatchError
    from lhotse.audio.backend import audio_backend

    try:
        # libsndfile reads what the recipe supports, SPHERE included.
        with audio_backend("LibsndfileBackend"):
            audio = cut.recording.load_audio(
                channels=channel_of(cut),
                offset=cut.start,
                duration=cut.duration,
            )
    except (AudioLoadingError, DurationMismatchError, OSError, RuntimeError) as error:
        path = Path(cut.recording.sources[0].source)
        detail = check_audio(path) or "cannot be decoded to the length in its manifest"
        raise AudioError(f"{path}: {detail}") from error
    mono = np.asarray(audio.mean(axis=0), dtype=np.float32)
    return resample(mono, cut.sampling_rate, sample_rate)
