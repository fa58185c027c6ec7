"""What the containers of audio tell: where the samples are, and whether all are there.

libsndfile reads what is there of most formats and says nothing of what is missing, or
stops where a header says so, though more follows. The containers tell: RIFF and its like
(WAV, RF64, W64, AIFF, CAF), AU and NIST SPHERE say how many bytes follow, Ogg marks the
first and the last page of each of its streams, and the frames of an MP3 can be counted.
"""

import mmap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from asr.data.mp3 import Bytes, Part, Streams, skip_id3, streams

HEAD = 512  # bytes that tell what a file is
OGG_FIRST, OGG_LAST = 2, 4  # flags of a stream's pages
LARGEST = 0xFFFF_FFFF - 4096  # bytes that RIFF's sizes can say
PADDING = 1024  # bytes behind the samples that nobody misses
TAGS = (b"ID3", b"TAG", b"APETAGEX")
KNOWN = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"_PMX", b"cue ")
TYPES = {b"FORM": b"AIFF AIFC", **dict.fromkeys((b"RIFF", b"RIFX"), b"WAVE")}
W64_END = bytes.fromhex("f3acd3118cd100c04f8edb8a")  # of most of its GUIDs
MPEG_CODECS = (0x50, 0x55)  # of WAV
MORE_FOLLOWS = (
    "its header promises fewer samples than follow it; all that follows, up to the "
    "file's end, is taken as samples"
)
NOT_AUDIO = "is not audio that can be read"
TEXT = "is not audio that can be read but text"
WEB_PAGE = (
    "is not audio that can be read but a web page, as a download that went wrong brings"
)


@dataclass(frozen=True)
class Layout:
    """What a file is, as far as its container tells.

    Attributes:
        problem: what is wrong with it, None where nothing is.
        parts: to be decoded one after the other, instead of the whole file by its name.
        mpeg: its frames, where it is MPEG audio.
        known: whether it is no MPEG audio for sure.
        note: what was taken for granted.
    """

    problem: str | None = None
    parts: tuple[Part, ...] = ()
    mpeg: Streams | None = None
    known: bool = True
    note: str | None = None


PLAIN = Layout()
UNKNOWN = Layout(known=False)


@dataclass(frozen=True)
class Chunks:
    """How a format divides a file.

    Attributes:
        first: where the first chunk is.
        name: bytes of a chunk's name; its size follows.
        size: bytes of that.
        order: of these.
        counted: bytes that the size counts beside the content.
        step: a chunk begins at a multiple of it.
        samples: name of the chunk with the samples.
    """

    first: int
    name: int
    size: int
    order: Literal["little", "big"]
    counted: int
    step: int
    samples: bytes

    def at(self, data: Bytes, place: int) -> tuple[bytes, int, int]:
        """Name, first byte of the content, and size of the chunk at a place."""
        begin = place + self.name + self.size
        name = data[place : place + self.name]
        size = int.from_bytes(data[place + self.name : begin], self.order)
        return name, begin, size - self.counted

    def next(self, begin: int, size: int) -> int:
        """Where the next one is."""
        return -(-(begin + size) // self.step) * self.step

    def unknown(self, size: int) -> bool:
        """Whether a size was written by a program that did not know it."""
        return size <= 0 or size >= (1 << 8 * self.size - 1) - 4096


RIFF = Chunks(12, 4, 4, "little", 0, 2, b"data")
AIFF = Chunks(12, 4, 4, "big", 0, 2, b"SSND")
CAF = Chunks(8, 4, 8, "big", 0, 1, b"data")
FORMS = {
    b"RIFF": RIFF,
    b"RIFX": replace(RIFF, order="big"),
    b"RF64": RIFF,
    b"BW64": RIFF,
    b"FORM": AIFF,
    b"riff": Chunks(40, 16, 8, "little", 24, 8, b"data" + W64_END),
    b"caff": CAF,
}


def read_layout(path: Path) -> Layout:
    """Look into a file that is not empty.

    Raises:
        OSError: the file cannot be read.
    """
    with ExitStack() as stack:
        file = stack.enter_context(open(path, "rb", buffering=0))
        head = file.read(HEAD)
        if head.startswith(b"fLaC"):  # has no more to tell, and corpora are of it
            return PLAIN
        file_map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        data = stack.enter_context(file_map)
        if head[:4] in FORMS and head[8:12] in TYPES.get(head[:4], head[8:12]):
            return _chunks(data, FORMS[head[:4]])
        for magic, look in LOOKS.items():
            if head.startswith(magic):
                return look(data)
        begin = skip_id3(data, 0)
        if data[begin : begin + 4] in (b"fLaC", b"ftyp"):
            return PLAIN
        readable = text(head)
        if readable is not None:
            return Layout(readable)
        return _mpeg(data, 0, len(data)) or UNKNOWN


def text(head: bytes) -> str | None:
    """What is wrong with a file that people can read, None where they cannot."""
    encodings = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    said = head[: len(head) // 2 * 2].decode(encodings.get(head[:2], "utf-8"), "ignore")
    if len(said.encode()) < len(head) - 4 and head[:2] not in encodings:
        return None  # bytes that are no UTF-8
    if not all(c.isprintable() or c in "\r\n\t\f\ufeff" for c in said):
        return None
    if said.lstrip("\ufeff \r\n\t").startswith("<"):
        return WEB_PAGE
    return TEXT


def _mpeg(data: Bytes, begin: int, end: int) -> Layout | None:
    found = streams(data, begin, end)
    return None if found is None else Layout(found.problem, mpeg=found, known=False)


def _chunks(data: Bytes, form: Chunks) -> Layout:
    """RIFF and its like, up to the samples and what follows them."""
    place, codec, wide = form.first, 0, 0
    while place + form.name + form.size <= len(data):
        name, begin, size = form.at(data, place)
        if name == b"fmt ":
            codec = int.from_bytes(data[begin : begin + 2], form.order)
        elif name == b"ds64":  # sizes that take more than four bytes
            wide = begin + 8
        elif name == form.samples:
            if codec in MPEG_CODECS:
                end = len(data) if form.unknown(size) else begin + size
                return _mpeg(data, begin, min(end, len(data))) or PLAIN
            return _samples(data, form, begin, size, wide)
        place = form.next(begin, max(0, size))
    return Layout("ends before its samples")


def _samples(data: Bytes, form: Chunks, begin: int, size: int, wide: int) -> Layout:
    """The chunk with the samples: what it promises, and what is there."""
    there = len(data) - begin
    if wide and size == 0xFFFF_FFFF:
        size = int.from_bytes(data[wide : wide + 8], "little")
        unknown = replace(form, size=8).unknown(size)
    else:
        wide, unknown = 0, form.unknown(size)
    if not unknown and size > there:
        return Layout(_missing(size, there))
    if size == there:
        return PLAIN
    if not unknown or size == 0:
        after = form.next(begin, size), begin + size  # not all keep to the step
        if any(_explained(data, form, place) for place in after):
            return PLAIN if size else Layout("has no samples")
    if unknown and size > 0 and not wide and form is not CAF:
        return PLAIN  # libsndfile takes what there is
    head = _head(data, form, begin, wide, there)
    note = None if unknown else MORE_FOLLOWS
    return Layout(parts=(Part(begin, len(data), head),), note=note)


def _explained(data: Bytes, form: Chunks, place: int) -> bool:
    """Whether what follows the samples is chunks, tags or a few bytes."""
    if data[place : place + 8].startswith(TAGS):
        return True
    while len(data) - place > PADDING:
        name, begin, size = form.at(data, place)
        known = name in KNOWN or name.endswith(W64_END)
        if not known and not (len(name) == 4 and name.isascii() and _printable(name)):
            return False
        place = form.next(begin, max(0, size))
        if place > len(data) + form.step:
            return known
    return True


def _printable(name: bytes) -> bool:
    return name.decode("ascii").isprintable() and not name.isspace()


def _head(data: Bytes, form: Chunks, begin: int, wide: int, there: int) -> bytes:
    """All before the samples, saying that so many bytes follow."""
    head = data[:begin]
    if wide:
        return head[:wide] + there.to_bytes(8, "little") + head[wide + 8 :]
    if form is RIFF and there > LARGEST:  # as RF64, whose sizes have eight bytes
        sizes = b"".join(n.to_bytes(8, "little") for n in (begin + there, there, 0))
        extra = b"ds64\x1c\0\0\0" + sizes + bytes(4)
        return b"RF64\xff\xff\xff\xffWAVE" + extra + head[12:-4] + b"\xff" * 4
    size = (there + form.counted).to_bytes(form.size, form.order)
    return head[: -form.size] + size


def _au(data: Bytes) -> Layout:
    begin, size = (int.from_bytes(data[at : at + 4], "big") for at in (4, 8))
    there = len(data) - begin
    if size in (0, 0xFFFF_FFFF):
        return PLAIN
    if size > there:
        return Layout(_missing(size, there))
    if there - size <= PADDING:
        return PLAIN
    head = data[:8] + b"\xff" * 4 + data[12:begin]
    return Layout(parts=(Part(begin, len(data), head),), note=MORE_FOLLOWS)


def _sphere(data: Bytes) -> Layout:
    """``sample_count``, ``sample_n_bytes`` and ``channel_count`` of uncompressed PCM."""
    header = int(data[8:16])
    rows = (line.split() for line in data[:header].splitlines())
    fields = {row[0]: row[2] for row in rows if len(row) == 3}
    if b"," in fields.get(b"sample_coding", b""):  # compressed
        return PLAIN
    names = (b"sample_count", b"sample_n_bytes", b"channel_count")
    count, width, channels = (int(fields.get(name, b"0")) for name in names)
    size, there = count * width * channels, len(data) - header
    return Layout(_missing(size, there)) if size > there else PLAIN


def _missing(wanted: int, there: int) -> str:
    return f"is cut short: {wanted} bytes of samples are promised, {there} are there"


def _ogg(data: Bytes) -> Layout:
    """The last whole page must be the last of its stream, and end the file."""
    links: list[int] = []
    flags, first, whole = 0, False, True
    for place, end, flags in _pages(data):
        if flags & OGG_FIRST and not first:
            links.append(place)
        first, whole = bool(flags & OGG_FIRST), end <= len(data)
    if not flags & OGG_LAST:
        return Layout("is cut short: its last page is missing")
    if not whole:
        return Layout("is cut short: its last page is not whole")
    if len(links) < 2:
        return PLAIN
    ends = [*links[1:], len(data)]
    return Layout(
        parts=tuple(Part(*range_) for range_ in zip(links, ends, strict=True))
    )


def _pages(data: Bytes) -> Iterator[tuple[int, int, int]]:
    """Start, end and flags of every page."""
    place = data.find(b"OggS")
    while place >= 0:
        count = data[place + 26 : place + 27]
        if not count:
            return  # not even its header is there
        table = data[place + 27 : place + 27 + count[0]]
        end = place + 27 + count[0] + sum(table)
        yield place, end, data[place + 5 : place + 6][0]
        place = data.find(b"OggS", end)


LOOKS: dict[bytes, Callable[[Bytes], Layout]] = {
    b".snd": _au,
    b"NIST_1A": _sphere,
    b"OggS": _ogg,
}
