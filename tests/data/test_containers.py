"""What containers tell: a missing end, a wrong size, streams one after the other."""

from pathlib import Path

import pytest
import soundfile

from asr.data.audio import check_audio, read_audio
from asr.data.containers import MORE_FOLLOWS, read_layout
from asr.data.sound_file import look_at
from tests.data.sounds import encode, noise, voice, write_sound

SUFFIXES = [".wav", ".aiff", ".au", ".sph", ".ogg", ".mp3", ".w64", ".caf", ".rf64"]


def problem(path: Path) -> str | None:
    return read_layout(path).problem


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (44100, 2), (8000, 1)])
def test_whole_and_cut(tmp_path: Path, suffix: str, rate: int, channels: int) -> None:
    path = write_sound(tmp_path / f"a{suffix}", 3.0, rate, channels=channels)
    assert problem(path) is None and check_audio(path) is None
    content = path.read_bytes()
    for size in (len(content) - 2, len(content) * 9 // 10 + 1, len(content) // 3):
        path.write_bytes(content[:size])
        if suffix == ".mp3" and size == len(content) - 2:
            assert check_audio(path) is None  # so they are distributed
            continue
        assert "cut short" in str(problem(path)), size
        assert check_audio(path) is not None


def resized(content: bytes, name: bytes, size: int, width: int = 4) -> bytes:
    """With another size of a chunk of RIFF."""
    at = content.index(name) + len(name)
    return content[:at] + size.to_bytes(width, "little") + content[at + width :]


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000, 1000])
def test_wav_whose_header_says_less_or_nothing(tmp_path: Path, size: int) -> None:
    """As programs leave it that write to a pipe, or were killed."""
    path = write_sound(tmp_path / "a.wav", 2.0)
    path.write_bytes(resized(path.read_bytes(), b"data", size))
    assert problem(path) is None and check_audio(path) is None
    assert len(read_audio(path, 16000)) == 32000
    assert read_layout(path).note == (MORE_FOLLOWS if size == 1000 else None)


@pytest.mark.parametrize("kind", ["RF64", "W64", "AIFF", "AU", "CAF"])
@pytest.mark.parametrize("said", ["less", "nothing"])
def test_others_whose_header_does(tmp_path: Path, kind: str, said: str) -> None:
    path = tmp_path / "a.x"
    soundfile.write(str(path), noise(2.0), 16000, "PCM_16", format=kind)
    content = path.read_bytes()
    unknown = b"\xff" * 8 if kind in ("AU", "CAF") else bytes(8)
    size = 1000 if said == "less" else int.from_bytes(unknown, "little")
    width = 4 if kind in ("AU", "AIFF") else 8
    order = "little" if kind in ("RF64", "W64") else "big"
    names = {"RF64": b"ds64", "W64": b"data", "AIFF": b"SSND", "AU": b".snd"}
    at = content.index(names.get(kind, b"data"))
    at += {"RF64": 16, "W64": 16, "AU": 8}.get(kind, 4)
    patch = (size & (1 << 8 * width) - 1).to_bytes(width, order)  # type: ignore[arg-type]
    path.write_bytes(content[:at] + patch + content[at + width :])
    assert len(read_audio(path, 16000)) == 32000
    assert read_layout(path).note == (MORE_FOLLOWS if said == "less" else None)


@pytest.mark.parametrize(
    "behind",
    [
        b"LIST\x04\x00\x00\x00INFO" + b"id3 \x08\x00\x00\x00" + b"ID3\x04\0\0\0\0",
        b"LIST\xff\x0f\x00\x00INFO" + bytes(1200),  # itself cut
        b"TAG" + bytes(1200),
        bytes(512),
    ],
)
def test_what_follows_the_samples_is_no_sound(tmp_path: Path, behind: bytes) -> None:
    path = write_sound(tmp_path / "a.wav", 1.0)
    path.write_bytes(path.read_bytes() + behind)
    assert read_layout(path).note is None
    assert len(read_audio(path, 16000)) == 16000


def test_chunks_and_no_samples(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 0.0)
    path.write_bytes(path.read_bytes() + b"LIST\x00\x08\x00\x00INFO" + bytes(2044))
    assert check_audio(path) == "has no samples"


def test_chunks_before_the_samples(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav")
    content = path.read_bytes()
    extra = content[:12] + b"LIST\x03\x00\x00\x00abc\x00" + content[12:]
    path.write_bytes(extra)
    assert problem(path) is None
    path.write_bytes(extra[:-1])
    assert "cut short" in str(problem(path))


def test_chained_ogg_is_as_long_as_its_links(tmp_path: Path) -> None:
    links = [write_sound(tmp_path / f"{n}.ogg", n, seed=n) for n in (1, 2)]
    path = tmp_path / "all.ogg"
    path.write_bytes(b"".join(link.read_bytes() for link in links))
    size = links[0].stat().st_size
    ranges = [(part.start, part.end) for part in read_layout(path).parts]
    assert ranges == [(0, size), (size, path.stat().st_size)]
    path.write_bytes(path.read_bytes()[:-10])
    assert problem(path) == "is cut short: its last page is not whole"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b"\n  <?xml version='1.0'?><Error/>", "a web page"),
        ("Datei nicht gefunden: \u00fc".encode(), "text"),
        ("\ufeffnot found".encode("utf-16"), "text"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0a\n", "text"),
    ],
)
@pytest.mark.parametrize("suffix", [".mp3", ".au"])
def test_text_is_told(tmp_path: Path, content: bytes, what: str, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content * 30)
    said = check_audio(path) or ""
    assert said.startswith(f"is not audio that can be read but {what}")


def test_video_with_mp3_is_no_mp3(tmp_path: Path) -> None:
    path = encode(voice(0.5), tmp_path / "a.avi", "-c:a", "libmp3lame")
    assert read_layout(path).mpeg is None
    assert 8000 <= len(read_audio(path, 16000)) < 8000 + 3 * 576


def test_wav_whose_size_takes_more_than_four_bytes(tmp_path: Path) -> None:
    """Of 4.5 GB the header holds the rest; what is on disk is a hole."""
    path = write_sound(tmp_path / "a.wav", 0.1)
    samples = 9 << 28
    path.write_bytes(resized(path.read_bytes(), b"data", 2 * samples & 0xFFFFFFFF))
    with open(path, "r+b") as file:
        file.truncate(44 + 2 * samples)
    assert look_at(path).frames == samples
    assert read_layout(path).note == MORE_FOLLOWS
