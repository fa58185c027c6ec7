"""Reading audio files: one channel, one sample rate, whatever the file holds."""

import functools
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from asr.data.cut_short import cut_short
from asr.errors import RecipeError

Samples = NDArray[np.float32]

# libsndfile reads all of these; .sph is NIST SPHERE with PCM inside.
SUFFIXES = tuple(
    ".wav .flac .mp3 .ogg .oga .opus .sph .aiff .aif .au .caf .w64".split()
)
# Of the ratio of two rates. 44.1 to 16 kHz needs 441; exactly, 22,051 Hz would need a
# kernel of gigabytes. Off by a millionth, nobody hears it.
FINEST = 2_000
RATES = (2_000, 1_000_000)  # Hz; what is beyond comes from a damaged header


class AudioError(RecipeError):
    """An audio file that cannot be read; the message names the file."""


def read_audio(path: Path, sample_rate: int) -> Samples:
    """Read a whole file as mono at ``sample_rate``.

    Returns:
        (num_samples,) in [-1, 1]; the mean of the channels, resampled if needed.

    Raises:
        AudioError: the file is missing, empty, damaged or in an unknown format.
    """
    samples, rate = read_channels(path)
    mono = np.ascontiguousarray(samples.mean(axis=1, dtype=np.float32))
    return resample(mono, rate, sample_rate)


def read_channels(
    path: Path, start: int = 0, frames: int = -1
) -> tuple[NDArray[np.float32], int]:
    """Read (num_samples, num_channels) in [-1, 1] as they are, and their sample rate.

    Args:
        start, frames: first sample and how many; -1 is all that follow.

    Raises:
        AudioError: the file is missing, empty, damaged or in an unknown format.
    """
    with named(path):
        samples, rate = soundfile.read(
            os.fsencode(path), frames, start, dtype="float32", always_2d=True
        )
    if len(samples) == 0:
        raise AudioError(f"{path}: has no samples")
    return samples, int(rate)


def audio_size(path: Path) -> tuple[int, int]:
    """Return the number of samples in a channel and the sample rate; or AudioError."""
    with named(path):
        info = soundfile.info(os.fsencode(path))
    return int(info.frames), int(info.samplerate)


def check_audio(path: Path) -> str | None:
    """Say in one line what is wrong with a file, or None when it looks whole.

    Reads the header and the last samples only: that finds what a broken copy or
    download leaves (no header, no samples, an end that is missing) at no cost.
    """
    if not os.path.isfile(path):  # False too where it may not be asked
        return "no such file"
    try:
        if path.stat().st_size == 0:
            return "is empty (0 bytes)"
        problem = cut_short(path)
        if problem is not None:
            return problem
        with quiet(path), soundfile.SoundFile(os.fsencode(path)) as file:
            if file.frames <= 0:
                return "has no samples"
            if not RATES[0] <= file.samplerate <= RATES[1]:
                return f"has a sample rate of {file.samplerate} Hz: damaged?"
            tail = min(file.frames, file.samplerate // 10)
            if file.format != "MPEG":  # whose frames lean on the ones before
                file.seek(file.frames - tail)
            got = len(file.read(tail))
    except soundfile.LibsndfileError as error:
        if "psf_fseek" in str(error):  # the header promises samples that are not there
            return "is damaged or cut short"
        return f"is not audio that can be read ({_one_line(error)})"
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        return _one_line(error)
    return None if got == tail else f"is cut short ({got} of the last {tail} samples)"


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Resample (..., num_samples) by a windowed sinc filter (kernel cached)."""
    if from_rate == to_rate:
        return samples
    ratio = Fraction(to_rate, from_rate).limit_denominator(FINEST)
    resampler = _resampler(ratio.denominator, ratio.numerator)
    resampled = np.asarray(resampler(torch.from_numpy(samples)).numpy(), np.float32)
    wanted = -(-samples.shape[-1] * to_rate // from_rate)
    missing = max(0, wanted - resampled.shape[-1])  # where the ratio is not exact
    sides = [(0, 0)] * (samples.ndim - 1) + [(0, missing)]
    return (
        np.pad(resampled, sides)[..., :wanted] if missing else resampled[..., :wanted]
    )


@functools.cache
def _resampler(from_rate: int, to_rate: int) -> Callable[[torch.Tensor], torch.Tensor]:
    from lhotse.augmentation.resample import Resample

    # The filter is built once per pair of rates: building it costs far more than
    # applying it to one utterance.
    resampler: Callable[[torch.Tensor], torch.Tensor] = Resample(from_rate, to_rate)
    return resampler


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn what libsndfile says of a file into an AudioError that names it."""
    try:
        with quiet(path):
            yield
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(
            f"{path}: cannot be read as audio ({_one_line(error)})"
        ) from error


@contextmanager
def quiet(path: Path) -> Iterator[None]:
    """Keep what libsndfile's MP3 decoder writes to stderr from the user.

    A first frame that leans on one before it is no news, and a missing end is told by
    the count of samples.
    """
    if path.suffix.lower() != ".mp3":
        yield
        return
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _one_line(error: Exception) -> str:
    said = " ".join(str(error).split())
    if "not a regular file" in said:  # libsndfile's words for what is no MP3
        return "Format not recognised"
    said = re.sub("^Error opening .*?'?: ", "", said)  # callers name the file
    return said.rstrip(".")
