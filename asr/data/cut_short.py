"""Audio files whose end is missing, as broken copies and downloads leave them.

libsndfile reads what is there of most formats and says nothing. Their containers tell:
RIFF, AIFF, AU and NIST SPHERE say how many bytes follow, Ogg marks its last page, and an
MP3 frame says how long it is.
"""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

Order = Literal["little", "big"]

UNKNOWN = (0, 0x7FFFF000)  # sizes from here on: written by a program that did not know
OGG_LAST = 4  # flag of a stream's last page
OGG_PAGE = 65_307  # bytes, at most
MP3_RATES = {
    3: (44100, 48000, 32000),
    2: (22050, 24000, 16000),
    0: (11025, 12000, 8000),
}
MP3_KBPS = {  # (MPEG 1 or not, layer bits): kbit/s by index
    (True, 1): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def cut_short(path: Path) -> str | None:
    """Say what is missing at a file's end, or None where nothing seems to be.

    Raises:
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(16)
        for magic, check in CHECKS.items():
            if head.startswith(magic):
                return check(file, size)
        if head[:3] == b"ID3" or (head[:1] == b"\xff" and _mp3_length(head[:4])):
            return _mp3(file, size)
    return None


def _riff(file: BinaryIO, size: int) -> str | None:
    """Chunks of RIFF (little-endian) up to the samples."""
    return _chunks(file, size, b"data", "little")


def _aiff(file: BinaryIO, size: int) -> str | None:
    return _chunks(file, size, b"SSND", "big")


def _chunks(file: BinaryIO, size: int, samples: bytes, order: Order) -> str | None:
    place = 12
    while place + 8 <= size:
        file.seek(place)
        name, length = file.read(4), int.from_bytes(file.read(4), order)
        if name == samples:
            return _missing(length, size - place - 8)
        place += 8 + length + length % 2
    return "ends before its samples"


def _au(file: BinaryIO, size: int) -> str | None:
    file.seek(4)
    begin, length = (int.from_bytes(file.read(4), "big") for _ in range(2))
    return _missing(length, size - begin)


def _sphere(file: BinaryIO, size: int) -> str | None:
    """``sample_count``, ``sample_n_bytes`` and ``channel_count`` of uncompressed PCM."""
    file.seek(8)
    header = int(file.read(8))
    file.seek(0)
    rows = (line.split() for line in file.read(header).splitlines())
    fields = {row[0]: row[2] for row in rows if len(row) == 3}
    if b"," in fields.get(b"sample_coding", b""):  # compressed
        return None
    names = (b"sample_count", b"sample_n_bytes", b"channel_count")
    count, width, channels = (int(fields.get(name, b"0")) for name in names)
    return _missing(count * width * channels, size - header)


def _missing(wanted: int, there: int) -> str | None:
    if there >= wanted or wanted >= UNKNOWN[1] or wanted == UNKNOWN[0]:
        return None
    return f"is cut short: {wanted} bytes of samples are promised, {there} are there"


def _ogg(file: BinaryIO, size: int) -> str | None:
    """The last whole page must be the last of its stream, and end the file."""
    file.seek(max(0, size - 2 * OGG_PAGE))
    tail = file.read()
    place = tail.rfind(b"OggS")
    page = tail[place:]
    if place < 0 or len(page) < 27 or not page[5] & OGG_LAST:
        return "is cut short: its last page is missing"
    lengths = page[27 : 27 + page[26]]
    whole = len(page) >= 27 + page[26] + sum(lengths)
    return None if whole else "is cut short: its last page is not whole"


def _mp3(file: BinaryIO, size: int) -> str | None:
    """Goes from frame to frame; a last one that is longer than the file is cut."""
    file.seek(0)
    head = file.read(10)
    place = 0
    if head[:3] == b"ID3":
        place = 10 + sum((byte & 127) << 7 * (3 - i) for i, byte in enumerate(head[6:]))
    while True:
        file.seek(place)
        length = _mp3_length(file.read(4))
        if not length:
            return None  # the end, or a tag behind the frames
        if place + length > size:
            return "is cut short: its last frame is not whole"
        place += length


def _mp3_length(header: bytes) -> int:
    """Bytes of a layer III frame; 0 where there is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] >> 5 != 7:
        return 0
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    index, rate = header[2] >> 4, header[2] >> 2 & 3
    rates, kbps = MP3_RATES.get(version), MP3_KBPS.get((version == 3, layer))
    if rates is None or kbps is None or rate == 3 or not 0 < index < 15:
        return 0
    factor = 144_000 if version == 3 else 72_000
    return factor * kbps[index] // rates[rate] + (header[2] >> 1 & 1)


CHECKS: dict[bytes, Callable[[BinaryIO, int], str | None]] = {
    b"RIFF": _riff,
    b"FORM": _aiff,
    b".snd": _au,
    b"NIST_1A": _sphere,
    b"OggS": _ogg,
}
