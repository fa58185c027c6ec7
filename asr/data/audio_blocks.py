"""Decoding audio files of any length, a block at a time: all of them, at one rate."""

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from asr.data import ffmpeg
from asr.data.mp3 import Part
from asr.data.sound_file import (
    NO_NUMBERS,
    Samples,
    Sound,
    look_at,
    named,
    opened,
    read_at,
)

MARGIN = 1  # seconds around a block that the resampling filter may look at
# Of the ratio of two rates. 44.1 to 16 kHz needs 441; exactly, 22,051 Hz would need a
# kernel of gigabytes. Off by a millionth, nobody hears it.
FINEST = 2_000
GLANCES = 60  # seconds of a file that tell whether its channels cancel each other out
# Power of the channels' mean, beside that of unrelated channels as loud as they are. A
# tenth (10 dB less) is left of two channels of which one is 0.63 times the other's negative.
CANCELLED = 0.1


def read_blocks(
    path: Path,
    sample_rate: int,
    seconds: int,
    channel: int | None = None,
    tell: Callable[[str], None] = lambda note: None,
) -> Iterator[Samples]:
    """Yield a file's mono samples in blocks; together they are all of it.

    Args:
        sample_rate: Hz; other files are resampled.
        seconds: of a block; the last one is shorter.
        channel: from 1 on; None: the mean of all, or, where that is next to nothing as
            they cancel each other out, the loudest.
        tell: is told what was taken for granted, in one line.

    Raises:
        AudioError: the file cannot be read, ends too early, has no such channel, or
            holds what is no number.
    """
    sound = look_at(path)
    if sound.by_ffmpeg:
        sound = replace(sound, rate=sample_rate)
    if sound.note is not None:
        tell(sound.note)
    index = None if channel is None else channel - 1
    if index is None:
        index = louder_channel(sound)
        if index is not None:
            tell(cancelled(index))
    blocks = (one_channel(sound, b, index) for b in sound_blocks(sound, seconds))
    yield from resampled(blocks, sound.rate, sample_rate)


def sound_blocks(sound: Sound, seconds: int) -> Iterator[NDArray[np.float32]]:
    """Yield (num_samples, channels) blocks at the sound's rate, the last one shorter.

    Raises:
        AudioError: the file cannot be read, ends too early, or holds what is no number.
    """
    size, total = seconds * sound.rate, 0
    for block in _even(_all_blocks(sound, seconds), size):
        check_numbers(sound, block, total)
        total += len(block)
        yield block
    if total == 0:
        raise sound.error("has no samples")


def check_numbers(sound: Sound, block: NDArray[np.float32], before: int) -> None:
    """Raise AudioError if samples are no numbers; ``before`` others came before them."""
    finite = np.isfinite(block).all(axis=-1)
    if not finite.all():
        second = (before + int(np.argmin(finite))) / sound.rate
        raise sound.error(f"{NO_NUMBERS}, the first at {second:.2f} s")


def louder_channel(sound: Sound) -> int | None:
    """The loudest channel (from 0) where all cancel each other out, None where not.

    One that is the other's negative, as wrong wiring makes them, leaves silence of the
    two. Up to ``GLANCES`` seconds from all over a file decide for all of it.
    """
    if sound.channels == 1:
        return None
    powers, mixed = np.zeros(1), 0.0
    for block in _glances(sound):
        if block.shape[1] == 1:
            return None
        varying = block - block.mean(axis=0, dtype=np.float64)
        powers = powers + np.square(varying).sum(axis=0)
        mixed += float(np.square(varying.mean(axis=1)).sum())
    unrelated = powers.sum() / len(powers) ** 2
    return None if mixed >= CANCELLED * unrelated else int(np.argmax(powers))


def cancelled(channel: int) -> str:
    """The note on a file of which one channel is taken."""
    return (
        "its channels cancel each other out (one is the other's negative); channel "
        f"{channel + 1} alone is taken"
    )


def _glances(sound: Sound) -> Iterator[NDArray[np.float32]]:
    """Some seconds of a file, from all over it where that can be had at no cost."""
    if not sound.in_place or sound.frames <= GLANCES * sound.rate:
        yield from islice(sound_blocks(sound, 10), GLANCES)
        return
    with named(sound.path), opened(sound.path, mpeg=sound.mpeg) as file:
        for start in np.linspace(0, sound.frames - sound.rate, GLANCES).astype(int):
            block = read_at(sound, file, int(start), sound.rate)
            check_numbers(sound, block, int(start))
            yield block


def _all_blocks(sound: Sound, seconds: int) -> Iterator[NDArray[np.float32]]:
    """Blocks of any size, of all parts, with as many channels."""
    parts: Iterable[Part | None] = sound.parts or (None,)
    decode = _ffmpeg_blocks if sound.by_ffmpeg else _sndfile_blocks
    channels = sound.channels
    for part in parts:
        for block in decode(sound, part, seconds):
            channels = channels or block.shape[1]
            yield _with_channels(block, channels)


def _ffmpeg_blocks(
    sound: Sound, part: Part | None, seconds: int
) -> Iterator[NDArray[np.float32]]:
    size = seconds * sound.rate
    try:
        yield from ffmpeg.decode_blocks(sound.path, sound.rate, size, part)
    except ffmpeg.FfmpegError as error:
        raise sound.error(str(error)) from error


def _sndfile_blocks(
    sound: Sound, part: Part | None, seconds: int
) -> Iterator[NDArray[np.float32]]:
    """Blocks of a part, as those of the sound that it belongs to."""
    with named(sound.path), opened(sound.path, part, sound.mpeg) as file:
        frames = sound.frames if part is None else file.frames
        blocks = _read(sound, file, frames, seconds * file.samplerate)
        if part is None:
            yield from blocks
            return
        wide = (block.T for block in blocks)
        for block in resampled(wide, file.samplerate, sound.rate):
            yield block.T


def _read(
    sound: Sound, file: soundfile.SoundFile, frames: int, size: int
) -> Iterator[NDArray[np.float32]]:
    """So many samples in blocks; a missing end is an error."""
    for start in range(0, frames, size):
        block = read_at(sound, file, start, min(size, frames - start))
        if len(block) < min(size, frames - start):
            missing = (frames - start - len(block)) / file.samplerate
            raise sound.error(f"is cut short, {missing:.1f} s are missing")
        yield block


def _with_channels(block: NDArray[np.float32], wanted: int) -> NDArray[np.float32]:
    """(num_samples, wanted), of others as many: their mean on all of them."""
    if block.shape[1] == wanted:
        return block
    return np.repeat(block.mean(axis=1, keepdims=True), wanted, axis=1)


def _even(
    blocks: Iterator[NDArray[np.float32]], size: int
) -> Iterator[NDArray[np.float32]]:
    """The same samples in blocks of one size, but for the last."""
    held: list[NDArray[np.float32]] = []
    count = 0
    for block in blocks:
        if not held and len(block) == size:
            yield block
            continue
        held.append(block)
        count += len(block)
        if count >= size:
            joined = np.concatenate(held)
            whole = count // size * size
            yield from np.split(joined[:whole], whole // size)
            count -= whole
            held = [joined[whole:]] if count else []
    if count:
        yield np.concatenate(held)


def one_channel(sound: Sound, block: NDArray[np.float32], index: int | None) -> Samples:
    """(num_samples,): the mean of the channels, or one, from 0."""
    if index is None:
        return np.ascontiguousarray(block.mean(axis=1, dtype=np.float32))
    if index >= block.shape[1]:
        raise sound.error(
            f"has {block.shape[1]} channel(s), and --channel is {index + 1}"
        )
    return np.ascontiguousarray(block[:, index])


def resampled(blocks: Iterator[Samples], rate: int, wanted: int) -> Iterator[Samples]:
    """Resample (..., num_samples) blocks as if they were one.

    Every block is resampled with ``MARGIN`` seconds of its neighbours, more than the
    filter reaches.

    Args:
        blocks: of whole seconds, but for the last.
    """
    if rate == wanted:
        yield from blocks
        return
    block = next(blocks, None)
    before = None if block is None else block[..., :0]
    while block is not None and before is not None:
        following = next(blocks, None)
        after = block[..., :0] if following is None else following
        joined = np.concatenate([before, block, after[..., : MARGIN * rate]], axis=-1)
        begin = before.shape[-1] // rate * wanted
        whole = resample(joined, rate, wanted)
        if following is None:
            yield whole[..., begin:]
        else:
            yield whole[..., begin : begin + block.shape[-1] // rate * wanted]
        before, block = block[..., -MARGIN * rate :], following


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
    """torchaudio's filter, or lhotse's copy of it, which gives the same bits."""
    try:
        from torchaudio.transforms import Resample
    except (ImportError, OSError):  # not there, or for another torch
        from lhotse.augmentation.resample import Resample

    # The filter is built once per pair of rates: building it costs far more than
    # applying it to one utterance.
    resampler: Callable[[torch.Tensor], torch.Tensor] = Resample(from_rate, to_rate)
    return resampler
