"""Audio files of any length, a block at a time: mono, one sample rate."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.data import ffmpeg
from asr.data.audio import AudioError, Samples, named, resample

MARGIN = 1  # seconds around a block that the resampling filter may look at


def read_blocks(
    path: Path, sample_rate: int, seconds: int, channel: int | None = None
) -> Iterator[Samples]:
    """Yield a file's mono samples in blocks; together they are all of it.

    Args:
        sample_rate: Hz; other files are resampled.
        seconds: of a block; the last one is shorter.
        channel: from 1 on; None: the mean of all.

    Raises:
        AudioError: the file cannot be read, ends too early, has no such channel, or
            holds what is no number.
    """
    if path.suffix.lower() in ffmpeg.SUFFIXES:
        blocks = _ffmpeg_blocks(path, sample_rate, seconds, channel)
    else:
        blocks = _sndfile_blocks(path, sample_rate, seconds, channel)
    total = 0
    for block in blocks:
        if not np.isfinite(block).all():
            raise AudioError(f"{path}: holds samples that are not numbers")
        total += len(block)
        yield block
    if total == 0:
        raise AudioError(f"{path}: has no samples")


def _ffmpeg_blocks(
    path: Path, sample_rate: int, seconds: int, channel: int | None
) -> Iterator[Samples]:
    try:
        for block in ffmpeg.decode_blocks(path, sample_rate, seconds * sample_rate):
            _check_channel(path, block.shape[1], channel)
            yield _one_channel(block, channel)
    except ffmpeg.FfmpegError as error:
        raise AudioError(f"{path}: {error}") from error


def _sndfile_blocks(
    path: Path, sample_rate: int, seconds: int, channel: int | None
) -> Iterator[Samples]:
    with named(path):
        file = soundfile.SoundFile(os.fsencode(path))
    with file:
        _check_channel(path, file.channels, channel)
        yield from resampled(
            _mono(path, file, seconds, channel), file.samplerate, sample_rate
        )


def _mono(
    path: Path, file: soundfile.SoundFile, seconds: int, channel: int | None
) -> Iterator[Samples]:
    """Blocks at the file's own rate; a missing end is an error."""
    left, size = file.frames, seconds * file.samplerate
    while left > 0:
        with named(path):
            block = file.read(min(size, left), dtype="float32", always_2d=True)
        if len(block) < min(size, left):
            missing = (left - len(block)) / file.samplerate
            raise AudioError(f"{path}: is cut short, {missing:.1f} s are missing")
        left -= len(block)
        yield _one_channel(block, channel)


def _check_channel(path: Path, channels: int, wanted: int | None) -> None:
    if wanted is not None and wanted > channels:
        raise AudioError(
            f"{path}: has {channels} channel(s), and --channel is {wanted}"
        )


def _one_channel(block: NDArray[np.float32], channel: int | None) -> Samples:
    if channel is not None:
        return np.ascontiguousarray(block[:, channel - 1])
    return np.ascontiguousarray(block.mean(axis=1, dtype=np.float32))


def resampled(blocks: Iterator[Samples], rate: int, wanted: int) -> Iterator[Samples]:
    """Resample blocks of whole seconds (the last of any length) as if they were one.

    Every block is resampled with ``MARGIN`` seconds of its neighbours, more than the
    filter reaches.
    """
    if rate == wanted:
        yield from blocks
        return
    before = np.zeros(0, np.float32)
    block = next(blocks, None)
    while block is not None:
        following = next(blocks, None)
        after = np.zeros(0, np.float32) if following is None else following
        joined = np.concatenate([before, block, after[: MARGIN * rate]])
        begin = len(before) // rate * wanted
        whole = resample(joined, rate, wanted)
        if following is None:
            yield whole[begin:]
        else:
            yield whole[begin : begin + len(block) // rate * wanted]
        before, block = block[-MARGIN * rate :], following
