"""Reading audio files as a whole: their samples, their length, what is wrong with them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.data.audio_blocks import (
    check_numbers,
    louder_channel,
    one_channel,
    resample,
    sound_blocks,
)
from asr.data.sound_file import (
    SUFFIXES,
    AudioError,
    Samples,
    Sound,
    look_at,
    named,
    opened,
    read_at,
)

__all__ = [
    "SUFFIXES",
    "AudioError",
    "Samples",
    "audio_size",
    "check_audio",
    "read_audio",
    "read_channels",
    "measured",
    "read_sound",
    "resample",
]

BLOCK = 10  # seconds that are decoded at once


def read_audio(path: Path, sample_rate: int) -> Samples:
    """Read a whole file as mono at ``sample_rate``.

    Returns:
        (num_samples,) in [-1, 1]; the mean of the channels, or the loudest where they
        cancel each other out, resampled if needed.

    Raises:
        AudioError: the file is missing, empty, damaged, in an unknown format, or holds
            what is no number.
    """
    sound = look_at(path)
    if sound.by_ffmpeg:
        sound = replace(sound, rate=sample_rate)
    mono = one_channel(sound, read_sound(sound), louder_channel(sound))
    return resample(mono, sound.rate, sample_rate)


def read_channels(
    path: Path, start: int = 0, frames: int = -1
) -> tuple[NDArray[np.float32], int]:
    """Read (num_samples, num_channels) in [-1, 1] as they are, and their sample rate.

    Args:
        start, frames: first sample and how many; -1 is all that follow.

    Raises:
        AudioError: as :func:`read_audio`.
    """
    sound = look_at(path)
    return read_sound(sound, start, frames), sound.rate


def read_sound(sound: Sound, start: int = 0, frames: int = -1) -> NDArray[np.float32]:
    """The same of a file that was looked at; what is not in place is decoded wholly."""
    if sound.in_place:
        wanted = sound.frames - start
        samples = _read(sound, start, wanted if frames < 0 else min(wanted, frames))
    else:
        decoded = np.concatenate(list(sound_blocks(sound, BLOCK)))
        samples = decoded[start : None if frames < 0 else start + frames]
    if len(samples) == 0:
        raise sound.error("has no samples")
    return samples


def _read(sound: Sound, start: int, wanted: int) -> NDArray[np.float32]:
    """Samples of a file that libsndfile reads where it lies."""
    with named(sound.path), opened(sound.path, mpeg=sound.mpeg) as file:
        samples = read_at(sound, file, start, wanted)
    if len(samples) < wanted:
        raise sound.error(f"is cut short ({len(samples)} of {wanted} samples)")
    check_numbers(sound, samples, start)
    return samples


def audio_size(path: Path) -> tuple[int, int]:
    """Return the number of samples in a channel and the sample rate; or AudioError."""
    sound = measured(look_at(path))
    return sound.frames, sound.rate


def measured(sound: Sound) -> Sound:
    """The same, its length known; what only ffmpeg reads is wholly decoded for that."""
    if not sound.by_ffmpeg:
        return sound
    return replace(sound, frames=sum(map(len, sound_blocks(sound, BLOCK))))


def check_audio(path: Path) -> str | None:
    """Say in one line what is wrong with a file, or None when it looks whole.

    Of most files the container and the last samples are read only: that finds what a
    broken copy or download leaves at no cost. Wholly decoded is what only ffmpeg reads,
    and what may hold samples that are no numbers.
    """
    try:
        check(look_at(path))
    except AudioError as error:
        return str(error).removeprefix(f"{path}: ")
    return None


def check(sound: Sound) -> None:
    """The same of a file that was looked at.

    Raises:
        AudioError: something is wrong.
    """
    if sound.by_ffmpeg or sound.floats:
        for _ in sound_blocks(sound, BLOCK):
            pass
