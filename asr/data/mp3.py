"""The frames of MPEG audio (MP3): how many there are, and which belong together.

An MP3 file is frames one after the other. How long it is stands nowhere for certain: a
first frame without sound (Xing's, LAME's "Info", Fraunhofer's "VBRI") may say so; where
files were joined it says it of the first one only. libsndfile believes it, and guesses
from the first frame's size where there is none, at times half of what is there. So the
frames are counted here, and :func:`streams` gives ranges that libsndfile reads wholly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

MPEG_1 = 3
RATES = {
    MPEG_1: (44100, 48000, 32000),
    2: (22050, 24000, 16000),
    0: (11025, 12000, 8000),
}
KBPS: dict[
    tuple[bool, int], tuple[int, ...]
] = {  # (MPEG 1 or not, layer): kbit/s by index
    (True, 1): (0, *range(32, 449, 32)),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
IN_A_ROW = 3  # frames that fit together: less of them is chance
COUNTS = (b"Xing", b"Info")
VBRI, VBRI_AT = b"VBRI", 36
COUNTING_LEAST = 72  # bytes of a frame that holds the count of frames
ID3V1 = 128  # bytes of a tag at the end
LEADING = (
    8192  # bytes in front of the first frame: more, and the file is something else
)
PATIENCE = 1024  # bytes that mpg123 skips in search of the next frame


class Bytes(Protocol):
    """A file in memory: ``bytes`` or ``mmap``."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: slice, /) -> bytes: ...
    def find(self, sub: bytes, start: int = ..., end: int = ..., /) -> int: ...


@dataclass(frozen=True)
class Part:
    """Bytes of a file that are a stream of their own, and what has to come before them."""

    start: int
    end: int
    head: bytes = b""


@dataclass(frozen=True)
class Run:
    """Whole frames, one directly after the other.

    Attributes:
        start, end: bytes; without a first frame that only counts.
        frames: how many.
        header: the first one's four bytes.
        tag: where the frame that counts begins; ``start`` where there is none.
        promised: frames by that, None where it does not say.
    """

    start: int
    end: int
    frames: int
    header: bytes
    tag: int
    promised: int | None


@dataclass(frozen=True)
class Streams:
    """What is in an MP3 file.

    Attributes:
        parts: to be decoded one after the other; libsndfile reads each wholly.
        by_name: whether it reads the whole file as well, as long as it takes it for
            ``samples`` or more.
        samples: of a channel; None: what libsndfile says.
        short: libsndfile says more than it reads.
        problem: what is missing.
    """

    parts: tuple[Part, ...] = ()
    by_name: bool = False
    samples: int | None = None
    short: bool = False
    problem: str | None = None


def streams(data: Bytes, begin: int, end: int) -> Streams | None:
    """What MPEG audio there is between two bytes; None where it does not begin there."""
    place = skip_id3(data, begin)
    if _next(data, place, min(end, place + LEADING)) is None:
        return None
    tag = max(begin, end - ID3V1)
    last = tag if data[tag : tag + 3] == b"TAG" else end
    found = list(runs(data, begin, last))
    if not found or (len(found) > 1 and _layer(found[0].header) < 3):
        return None  # of layers I and II no frame can say a length: ffmpeg joins them
    for number, run in enumerate(found):
        there = sum(later.frames for later in found[number:])
        # One may be missing: the last one, or the one that counts was counted too.
        if run.promised is not None and run.promised > there + 1:
            missing = f"{run.promised} frames are promised, {there} are there"
            return Streams(problem=f"is cut short: {missing}")
    run = found[0]
    parts = tuple(_part(data, run) for run in found)
    if len(found) > 1 or begin > 0 or run.tag != skip_id3(data, 0):
        return Streams(parts)
    if run.promised == run.frames:
        return Streams(parts, True)
    # In search of a frame in what is no tag mpg123 loses its patience, and of a frame
    # that was cut it takes the tag behind for the rest.
    rest = data[run.end : run.end + 8]
    patient = end - run.end <= PATIENCE or rest == b"APETAGEX"
    patient = patient and (last == end or not _frame(data, run.end))
    if run.tag == run.start:
        return Streams(parts, patient, run.frames * samples_of(run.header))
    return Streams(parts, patient and run.promised == run.frames + 1, short=True)


def _part(data: Bytes, run: Run) -> Part:
    """The frames of a run, with a first one that says how many there are."""
    if run.promised == run.frames:
        return Part(run.tag, run.end)
    return Part(run.start, run.end, counting_frame(run.header, run.frames))


def counting_frame(header: bytes, frames: int) -> bytes:
    """A frame in Xing's form, for a stream with such a header, that says its length."""
    if _layer(header) != 3:
        return b""
    first = bytearray([0xFF, header[1] | 1, 0, header[3]])  # without checksum
    for index in range(1, 15):
        first[2] = index << 4 | header[2] & 0x0C
        if _length(bytes(first[1:3])) >= COUNTING_LEAST:
            break
    says = b"Xing" + b"\0\0\0\x01" + frames.to_bytes(4, "big")
    frame = bytes(first) + bytes(_side(first)) + says
    return frame.ljust(_length(bytes(first[1:3])), b"\0")


def runs(data: Bytes, begin: int, end: int) -> Iterator[Run]:
    """Frames that belong together; what lies between the runs is tags, or nothing."""
    place = _next(data, begin, end)
    while place is not None:
        run, last = _follow(data, place, end)
        # A next run that begins inside the last frame: that one was cut.
        place = _next(data, last + 4, end)
        if place is not None and place < run.end:
            run = Run(
                run.start, last, run.frames - 1, run.header, run.tag, run.promised
            )
        if run.frames:
            yield run


def samples_of(header: bytes) -> int:
    """Samples of a channel in a frame."""
    layer = _layer(header)
    if layer == 1:
        return 384
    return 1152 if layer == 2 or header[1] >> 3 & 3 == MPEG_1 else 576


def skip_id3(data: Bytes, place: int) -> int:
    """The end of the ID3v2 tags that begin at a place, which itself where none does."""
    while data[place : place + 3] == b"ID3" and len(data) >= place + 10:
        size = data[place + 6 : place + 10]
        place += 10 + sum((byte & 127) << 7 * (3 - i) for i, byte in enumerate(size))
    return place


@cache
def _length(header: bytes) -> int:
    """Bytes of a frame from its header's second and third byte; 0 where it is none."""
    version, layer = header[0] >> 3 & 3, 4 - (header[0] >> 1 & 3)
    index, rate, padding = header[1] >> 4, header[1] >> 2 & 3, header[1] >> 1 & 1
    kbps = KBPS.get((version == MPEG_1, layer))
    if header[0] >> 5 != 7 or version not in RATES or kbps is None:
        return 0
    if rate == 3 or not 0 < index < 15:
        return 0
    hertz = RATES[version][rate]
    if layer == 1:
        return (12_000 * kbps[index] // hertz + padding) * 4
    short = version != MPEG_1 and layer == 3
    return (72_000 if short else 144_000) * kbps[index] // hertz + padding


def _frame(data: Bytes, place: int) -> bytes:
    """The four bytes of a frame's header, or nothing."""
    header = data[place : place + 4]
    is_one = len(header) == 4 and header[0] == 0xFF and _length(header[1:3])
    return header if is_one else b""


def _alike(header: bytes) -> tuple[int, int, bool]:
    """What all frames of a stream share: version and layer, rate, one channel or two."""
    return header[1] & 0x1E, header[2] & 0x0C, header[3] >> 6 == 3


def _next(data: Bytes, place: int, end: int) -> int | None:
    """Where, from a place on, the next run of frames begins."""
    place = skip_id3(data, place)
    while (place := data.find(b"\xff", place, end)) >= 0:
        if _in_a_row(data, place, end):
            return place
        place += 1
    return None


def _in_a_row(data: Bytes, place: int, end: int) -> bool:
    """Whether frames begin here: several, or as many as there is room for."""
    first = _frame(data, place)
    for _ in range(IN_A_ROW):
        header = _frame(data, place) if place < end else b""
        if not header or _alike(header) != _alike(first):
            return False
        place += _length(header[1:3])
        if place == end:
            return True
    return True


def _follow(data: Bytes, place: int, end: int) -> tuple[Run, int]:
    """The run that begins at a frame, and where its last frame begins."""
    tag, first = place, _frame(data, place)
    start, promised = _counted(data, place, first)
    place, last, frames = start, tag, 0
    wanted = _alike(first)
    side = 4 + _side(first)
    counts = COUNTS if _layer(first) == 3 else ()
    while header := data[place : place + 4]:
        if len(header) < 4 or header[0] != 0xFF:
            break
        length = _length(header[1:3])
        if not length or place + length > end or _alike(header) != wanted:
            break
        if frames and data[place + side : place + side + 4] in counts:
            break  # another file was joined
        last, place, frames = place, place + length, frames + 1
    return Run(start, place, frames, data[start : start + 4], tag, promised), last


def _counted(data: Bytes, place: int, header: bytes) -> tuple[int, int | None]:
    """Where the frames with sound begin, and how many a first one without promises."""
    at, behind = place + 4 + _side(header), place + _length(header[1:3])
    if _layer(header) == 3 and data[at : at + 4] in COUNTS:
        says = int.from_bytes(data[at + 4 : at + 8], "big") & 1
        count = int.from_bytes(data[at + 8 : at + 12], "big") if says else 0
        return behind, count or None
    at = place + VBRI_AT
    if data[at : at + 4] == VBRI:
        return behind, int.from_bytes(data[at + 14 : at + 18], "big") or None
    return place, None


def _side(header: Sequence[int]) -> int:
    """Bytes of a layer III frame between its header and the sound."""
    mono = header[3] >> 6 == 3
    checksum = 0 if header[1] & 1 else 2
    if header[1] >> 3 & 3 == MPEG_1:
        return checksum + (17 if mono else 32)
    return checksum + (9 if mono else 17)


def _layer(header: Sequence[int]) -> int:
    return 4 - (header[1] >> 1 & 3)
