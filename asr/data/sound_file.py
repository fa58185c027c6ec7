"""What an audio file holds, found out from its content, and how it is opened.

libsndfile decodes what it can, in place or stream by stream where a file has several or
says a wrong length; the program ffmpeg decodes the rest. Names and suffixes say nothing.
"""

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.data import ffmpeg
from asr.data.containers import Layout, read_layout
from asr.data.mp3 import Part
from asr.errors import RecipeError

Samples = NDArray[np.float32]

# By which files of a folder are taken for audio; what they are, their content tells.
SUFFIXES = tuple(
    """
    .wav .wave .bwf .rf64 .flac .mp3 .mp2 .mpga .mpa .ogg .oga .ogx .opus .spx .sph .nist
    .aiff .aif .aifc .au .snd .caf .w64 .voc .m4a .m4b .m4r .aac .mp4 .m4v .wma .asf .wmv
    .amr .awb .3gp .3g2 .webm .weba .mka .mkv .mov .qt .avi .flv .f4v .mpg .mpeg .ts .mts
    .m2ts .vob .ogv .ac3 .eac3 .dts .ape .wv .tta .gsm .ra .rm
    """.split()
)
RATES = (2_000, 1_000_000)  # Hz; what is beyond comes from a damaged header
FFMPEG_RATE = 16_000  # Hz, of what ffmpeg decodes, unless another one is asked for
LEAD = 1.0  # seconds of MPEG audio before what is read; its frames lean on 0.1 s
NO_NUMBERS = "holds samples that are not numbers (NaN or infinite)"
NO_LENGTH = 1 << 62  # samples, and more, stand for an unknown length


class AudioError(RecipeError):
    """An audio file that cannot be read; the message names the file."""


@dataclass(frozen=True)
class Sound:
    """A file that can be decoded, as far as a look at its ends tells.

    Attributes:
        rate: Hz.
        channels, frames: how many, and samples of each, in all; 0: ffmpeg will tell.
        parts: to be decoded one after the other; without them, the file as it is.
        by_ffmpeg: whether it, not libsndfile, decodes the file.
        mpeg: whether it is MPEG audio.
        floats: whether its samples may be no numbers.
        note: what was taken for granted, for the user.
    """

    path: Path
    rate: int
    channels: int = 0
    frames: int = 0
    parts: tuple[Part, ...] = ()
    by_ffmpeg: bool = False
    mpeg: bool = False
    floats: bool = False
    note: str | None = None

    @property
    def in_place(self) -> bool:
        """Whether libsndfile, and so lhotse, reads all of the file by its name."""
        return not self.parts and not self.by_ffmpeg

    def error(self, problem: str) -> AudioError:
        """An error that names the file."""
        return AudioError(f"{self.path}: {problem}")


def look_at(path: Path) -> Sound:
    """Find out what a file is and how long: from its container and its last samples.

    Of what only ffmpeg reads nothing is known but that it is no text.

    Raises:
        AudioError: the file is missing, empty, cut short or no audio.
    """
    found = Sound(path, FFMPEG_RATE, by_ffmpeg=True)
    if not os.path.isfile(path):  # False too where it may not be asked
        raise found.error("no such file")
    try:
        if path.stat().st_size == 0:
            raise found.error("is empty (0 bytes)")
        layout = read_layout(path)
    except (OSError, ValueError) as error:
        raise found.error(one_line(error)) from error
    if layout.problem is not None:
        raise found.error(layout.problem)
    try:
        sound = _by_libsndfile(path, layout)
    except soundfile.SoundFileError as error:
        if "psf_fseek" in str(error):  # the header promises samples that are not there
            raise found.error("is damaged or cut short") from error
        sound = None
    if sound is None and ffmpeg.find_ffmpeg() is None:
        raise found.error(ffmpeg.NO_FFMPEG)
    if sound is None and not any(part.head for part in layout.parts):
        return replace(found, parts=layout.parts)
    return sound or found


def _by_libsndfile(path: Path, layout: Layout) -> Sound | None:
    """What libsndfile says of a file, put right; None where it cannot know.

    Raises:
        SoundFileError: it cannot read the file.
    """
    mpeg = layout.mpeg
    if layout.parts or (mpeg is not None and not mpeg.by_name):
        return _of_parts(path, layout)
    with opened(path, mpeg=not layout.known) as file:
        by_suffix = mpeg is None and file.format in ("RAW", "MP3")
        if by_suffix or file.frames >= NO_LENGTH:  # FLAC that came through a pipe
            return None
        sound = _checked(_facts(path, file, layout))
        if mpeg is None:
            _check_end(sound, file)
        elif mpeg.short:
            with quiet():
                return replace(sound, frames=_count(file))
    if mpeg is None or mpeg.samples is None:
        return sound
    if mpeg.samples > sound.frames:
        return _of_parts(path, layout)
    return replace(sound, frames=mpeg.samples)


def _count(file: soundfile.SoundFile) -> int:
    total = 0
    while block := len(file.read(1 << 16)):
        total += block
    return total


def _of_parts(path: Path, layout: Layout) -> Sound:
    """A file's streams together, at the highest of their rates."""
    mpeg = layout.mpeg is not None
    parts = layout.mpeg.parts if layout.mpeg is not None else layout.parts
    found = []
    for part in parts:
        with opened(path, part, mpeg) as file:
            found.append(_facts(path, file, layout))
    rate = max(sound.rate for sound in found)
    together = replace(
        found[0],
        rate=rate,
        channels=max(sound.channels for sound in found),
        frames=sum(-(-sound.frames * rate // sound.rate) for sound in found),
        parts=parts,
        floats=any(sound.floats for sound in found),
    )
    return _checked(together)


def _facts(path: Path, file: soundfile.SoundFile, layout: Layout) -> Sound:
    return Sound(
        path,
        file.samplerate,
        file.channels,
        file.frames,
        mpeg=layout.mpeg is not None,
        floats=file.subtype in ("FLOAT", "DOUBLE"),
        note=layout.note,
    )


def _checked(sound: Sound) -> Sound:
    if sound.frames <= 0:
        raise sound.error("has no samples")
    if not RATES[0] <= sound.rate <= RATES[1]:
        raise sound.error(f"has a sample rate of {sound.rate} Hz: damaged?")
    return sound


def _check_end(sound: Sound, file: soundfile.SoundFile) -> None:
    """Read the last samples: a broken copy or download lacks them."""
    tail = min(sound.frames, sound.rate // 10)
    file.seek(sound.frames - tail)
    got = len(file.read(tail))
    if got < tail:
        raise sound.error(f"is cut short ({got} of the last {tail} samples)")


@contextmanager
def opened(
    path: Path, part: Part | None = None, mpeg: bool = False
) -> Iterator[soundfile.SoundFile]:
    """Open a file, or a stream in it, for libsndfile; quietly if it may be MPEG audio.

    Raises:
        SoundFileError: it cannot be read.
    """
    with ExitStack() as stack:
        source: bytes | _Slice = os.fsencode(path)
        if part is not None:
            source = stack.enter_context(_Slice(path, part))
        with quiet(mpeg):
            file = soundfile.SoundFile(source)
        yield stack.enter_context(file)


def read_at(
    sound: Sound, file: soundfile.SoundFile, start: int, wanted: int
) -> NDArray[np.float32]:
    """Read (num_samples, channels) from a place on; fewer at a missing end.

    soundfile goes to a place after every reading, also to the one where it is, and an
    MPEG frame leans on the ones before: :data:`LEAD` seconds of them are read, too.

    Raises:
        AudioError: libsndfile cannot.
    """
    lead = min(start, round(LEAD * file.samplerate)) if sound.mpeg else 0
    with named(sound.path), quiet(sound.mpeg):
        if file.tell() != start - lead:
            file.seek(start - lead)
        read = file.read(lead + wanted, dtype="float32", always_2d=True)
    samples: NDArray[np.float32] = read[lead:]
    return samples


class _Slice(io.RawIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, path: Path, part: Part) -> None:
        self._file = open(path, "rb")  # noqa: SIM115
        self._part, self._at = part, 0
        self._size = len(part.head) + part.end - part.start

    def close(self) -> None:
        self._file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill all of the buffer, as libsndfile expects, as long as there is something."""
        head, start = self._part.head, self._part.start
        wanted = min(len(buffer), self._size - self._at)
        data = head[self._at : self._at + wanted]
        if len(data) < wanted:
            self._file.seek(start + self._at + len(data) - len(head))
            data += self._file.read(wanted - len(data))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def may_be_mpeg(path: Path) -> bool:
    """Whether a file begins as MPEG audio does; not, if it cannot be read."""
    try:
        with open(path, "rb") as file:
            head = file.read(3)
    except OSError:
        return False
    return head == b"ID3" or head[:1] == b"\xff"


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn what libsndfile says of a file into an AudioError that names it."""
    try:
        yield
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(
            f"{path}: cannot be read as audio ({one_line(error)})"
        ) from error


@contextmanager
def quiet(mpeg: bool = True) -> Iterator[None]:
    """Keep what libsndfile's MPEG decoder writes to stderr from the user.

    A first frame that leans on one before it is no news, and a missing end is told by
    the count of frames.
    """
    try:
        kept = os.dup(2) if mpeg else None
    except OSError:  # there is no stderr
        kept = None
    if kept is None:
        yield
        return
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def one_line(error: Exception) -> str:
    """What a library says of a file, without the name, which callers give."""
    said = " ".join(str(error).split())
    return re.sub("^Error opening .*?'?: ", "", said).rstrip(".")
