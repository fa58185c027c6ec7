"""Frames of MP3, counted: made by hand, and as ffmpeg's LAME makes them."""

from pathlib import Path

import pytest

from asr.data.mp3 import Part, counting_frame, runs, skip_id3, streams
from tests.data.sounds import by_ffmpeg, encode, voice

HEADER = b"\xff\xfb\x18\xc4"  # MPEG 1, layer III, 32 kbit/s, 32 kHz, one channel
FRAME = HEADER + b"\x55" * 140  # 144 * 32000 / 32000 = 144 bytes
OTHER = b"\xff\xf3\x38\xc4" + b"\x55" * 104  # MPEG 2, 24 kbit/s, 16 kHz: 108 bytes
ID3 = b"ID3\x04\0\0\0\0\x01\x02" + bytes(130)  # 1 * 128 + 2 bytes


def counting(frames: int, flags: int = 1) -> bytes:
    """The first frame of LAME's."""
    says = b"Info" + flags.to_bytes(4, "big") + frames.to_bytes(4, "big")
    return HEADER + bytes(17) + says + bytes(144 - 33)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (FRAME * 5, [(0, 720, 5, None)]),
        (ID3 + FRAME * 3 + b"TAG" + bytes(125), [(140, 572, 3, None)]),
        (FRAME, [(0, 144, 1, None)]),  # all there is room for
        (FRAME * 2 + FRAME[:50], [(0, 288, 2, None)]),
        (FRAME * 2 + bytes(50), []),  # two are chance
        (FRAME * 3 + FRAME[:50], [(0, 432, 3, None)]),
        (counting(4) + FRAME * 4, [(144, 720, 4, 4)]),
        (counting(9, 0) + FRAME * 4, [(144, 720, 4, None)]),
        (FRAME * 4 + counting(3) + FRAME * 3, [(0, 576, 4, None), (720, 1152, 3, 3)]),
        (FRAME * 4 + ID3 + FRAME * 3, [(0, 576, 4, None), (716, 1148, 3, None)]),
        (FRAME * 4 + OTHER * 3, [(0, 576, 4, None), (576, 900, 3, None)]),
        # The first file's last frame was cut where the second begins.
        ((FRAME * 5)[:-40] + OTHER * 4, [(0, 576, 4, None), (680, 1112, 4, None)]),
        (b"\xff" * 50 + FRAME * 3, [(50, 482, 3, None)]),
        (b"\xff\xf1\x50\x80" * 200, []),  # AAC
    ],
)
def test_runs(data: bytes, expected: list[tuple[int, int, int, int | None]]) -> None:
    found = [(r.start, r.end, r.frames, r.promised) for r in runs(data, 0, len(data))]
    assert found == expected


def test_what_libsndfile_may_read_by_its_name() -> None:
    def of(data: bytes) -> tuple[bool, int | None, bool, int]:
        found = streams(data, 0, len(data))
        assert found is not None and found.problem is None
        return found.by_name, found.samples, found.short, len(found.parts)

    assert of(ID3 + FRAME * 4) == (True, 4 * 1152, False, 1)
    assert of(OTHER * 4) == (True, 4 * 576, False, 1)
    assert of(counting(4) + FRAME * 4) == (True, None, False, 1)
    assert of(counting(5) + FRAME * 4)[:3:2] == (True, True)
    assert not of(counting(3) + FRAME * 4)[0]  # another file was joined
    assert not of(FRAME * 4 + bytes(1025))[0]
    assert not of(FRAME * 4 + ID3 + FRAME * 4)[0]
    assert not of(b"\0" + FRAME * 4)[0]
    cut = streams(data := counting(6) + FRAME * 4, 0, len(data))
    assert cut is not None
    assert cut.problem == "is cut short: 6 frames are promised, 4 are there"


def test_a_frame_that_counts_is_put_before_what_promises_wrongly() -> None:
    data = ID3 + counting(2) + FRAME * 4 + OTHER * 5
    found = streams(data, 0, len(data))
    first, second = found.parts if found else ()
    assert (first.start, first.end) == (284, 860) == (len(ID3) + 144, 284 + 576)
    assert first == Part(284, 860, counting_frame(HEADER, 4))
    assert (second.start, second.end) == (860, 860 + 540)
    (run,) = runs(head := first.head + FRAME * 4, 0, len(head))
    assert (run.frames, run.promised) == (4, 4)


def test_tags_in_front() -> None:
    assert skip_id3(ID3 + ID3 + FRAME, 0) == 280
    assert skip_id3(b"ID3", 0) == 0


@pytest.mark.parametrize(
    "rate", [48000, 44100, 32000, 24000, 22050, 16000, 12000, 8000]
)
@pytest.mark.parametrize(
    "how", [("-b:a", "56k"), ("-q:a", "6"), ("-ac", "2", "-abr", "1")]
)
def test_as_many_frames_as_another_decoder_finds(
    tmp_path: Path, rate: int, how: tuple[str, ...]
) -> None:
    options = ("-ar", str(rate), "-write_xing", "0", *how)
    path = encode(voice(0.4), tmp_path / "a.mp3", *options)
    data = path.read_bytes()
    (run,) = runs(data, 0, len(data))
    samples = 1152 if rate >= 32000 else 576
    assert run.frames * samples == len(by_ffmpeg(path, rate))
    assert run.end == len(data)
