"""Files whose end is missing, in every format."""

from pathlib import Path

import pytest

from asr.data.audio import check_audio
from asr.data.cut_short import cut_short
from tests.data.sounds import write_sound

SUFFIXES = [".wav", ".aiff", ".au", ".sph", ".ogg", ".mp3"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (44100, 2), (8000, 1)])
def test_whole_and_cut(tmp_path: Path, suffix: str, rate: int, channels: int) -> None:
    path = write_sound(tmp_path / f"a{suffix}", 3.0, rate, channels=channels)
    assert cut_short(path) is None and check_audio(path) is None
    content = path.read_bytes()
    for size in (len(content) - 2, len(content) * 9 // 10 + 1, len(content) // 3):
        path.write_bytes(content[:size])
        assert "cut short" in str(cut_short(path)), size
        assert check_audio(path) is not None


def test_a_tag_behind_the_frames_of_an_mp3(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.mp3")
    path.write_bytes(path.read_bytes() + b"TAG" + b" " * 125)
    assert cut_short(path) is None


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_wav_written_to_a_pipe(tmp_path: Path, size: int) -> None:
    """Programs that cannot go back to the header leave the size open."""
    path = write_sound(tmp_path / "a.wav")
    content = path.read_bytes()
    at = content.index(b"data") + 4
    path.write_bytes(content[:at] + size.to_bytes(4, "little") + content[at + 4 :])
    assert cut_short(path) is None


def test_chunks_before_the_samples(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav")
    content = path.read_bytes()
    extra = content[:12] + b"LIST\x03\x00\x00\x00abc\x00" + content[12:]
    path.write_bytes(extra)
    assert cut_short(path) is None
    path.write_bytes(extra[:-1])
    assert "cut short" in str(cut_short(path))
