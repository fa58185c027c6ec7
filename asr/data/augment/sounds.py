"""Folders of noises and of impulse responses."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.data.audio import (
    SUFFIXES,
    AudioError,
    audio_size,
    check_audio,
    read_channels,
    resample,
)
from asr.errors import RecipeError
from asr.folders import list_files

Samples = NDArray[np.float32]

LONGEST = 30.0  # seconds read of a longer noise, so that memory stays small


def find_sounds(folder: Path, what: str) -> tuple[Path, ...]:
    """All audio files below a folder, sorted by their path in it.

    Args:
        folder: searched with the folders in it.
        what: the folder's configuration key, for messages.

    Raises:
        RecipeError: no such folder, no audio in it, or a file that cannot be read.
    """
    if not folder.is_dir():
        raise RecipeError(
            f"{what}: {folder}: no such folder; put recordings there, or name another "
            f"one by --set {what}=DIR"
        )
    paths = sorted(
        (p for p in list_files(folder).files if p.suffix.lower() in SUFFIXES),
        key=lambda path: path.relative_to(folder).as_posix(),
    )
    if not paths:
        raise RecipeError(
            f"{what}: {folder}: no audio in it (looked for {' '.join(SUFFIXES)})"
        )
    for path in paths:
        problem = check_audio(path)
        if problem is not None:
            raise RecipeError(
                f"{what}: {path}: cannot be read as audio ({problem}); repair or "
                "remove it"
            )
    return tuple(paths)


def read_noise(path: Path, sample_rate: int, rng: np.random.Generator) -> Samples:
    """Read (num_samples,) mono noise; of a long file 30 s from a random place.

    Raises:
        AudioError: it cannot be read, or is silent.
    """
    total, rate = audio_size(path)
    frames = round(LONGEST * rate)
    if total <= frames:
        return _whole(path, sample_rate)
    return _mono(path, sample_rate, int(rng.integers(total - frames)), frames)


@lru_cache(maxsize=32)
def _whole(path: Path, sample_rate: int) -> Samples:
    return _mono(path, sample_rate, 0, -1)


def _mono(path: Path, sample_rate: int, start: int, frames: int) -> Samples:
    samples, rate = read_channels(path, start, frames)
    mono = np.ascontiguousarray(samples.mean(axis=1, dtype=np.float32))
    if not mono.any():
        raise AudioError(f"{path}: is silent")
    return resample(mono, rate, sample_rate)


@lru_cache(maxsize=32)
def read_impulse(path: Path, sample_rate: int) -> Samples:
    """Read the (num_samples,) first channel: microphones of an array differ in delay.

    Raises:
        AudioError: it cannot be read, or is silent.
    """
    samples, rate = read_channels(path)
    first = np.ascontiguousarray(samples[:, 0])
    if not first.any():
        raise AudioError(f"{path}: is silent")
    return resample(first, rate, sample_rate)
