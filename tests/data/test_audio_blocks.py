"""Long files in blocks: the same samples as at once; nothing missing unnoticed."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.data import ffmpeg
from asr.data.audio import AudioError, check_audio, read_audio
from asr.data.audio_blocks import cancelled, read_blocks
from tests.data.sounds import encode, noise, voice, write_sound
from tests.utils.shell import script


def read(path: Path, channel: int | None = None, seconds: int = 2) -> np.ndarray:  # type: ignore[type-arg]
    return np.concatenate(list(read_blocks(path, 16000, seconds, channel)))


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
@pytest.mark.parametrize("seconds", [0.01, 3.0, 7.3])
def test_blocks_are_the_whole(tmp_path: Path, rate: int, seconds: float) -> None:
    path = write_sound(tmp_path / "a.wav", seconds, rate, channels=2)
    blocks = list(read_blocks(path, 16000, 2))
    assert all(len(block) == 32000 for block in blocks[:-1])
    expected = read_audio(path, 16000)
    assert abs(np.concatenate(blocks) - expected).max() < 1e-6
    assert len(np.concatenate(blocks)) == len(expected)


def test_a_rate_that_has_no_common_divisor_takes_little_memory(tmp_path: Path) -> None:
    time = np.arange(22051 * 3) / 22051
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 500 * time), 22051)
    expected = 0.5 * np.sin(2 * np.pi * 500 * np.arange(48000) / 16000)
    assert np.abs(read(tmp_path / "a.wav") - expected)[200:-200].max() < 2e-3


def test_channels(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 1.0, channels=2)
    assert np.abs(read(path, 1) - noise(1.0)).max() < 1e-4
    assert np.abs(read(path, 2) - noise(1.0, seed=100)).max() < 1e-4
    mixed = (noise(1.0) + noise(1.0, seed=100)) / 2
    assert np.abs(read(path) - mixed).max() < 1e-4
    with pytest.raises(AudioError, match="has 2 channel"):
        read(path, 3)


def test_samples_that_are_no_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(100, np.inf, np.float32), 16000, subtype="FLOAT")
    with pytest.raises(AudioError, match="not numbers"):
        read(path)


def test_mp3_that_ends_between_two_frames(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_sound(tmp_path / "a.mp3", 5.0)
    content = path.read_bytes()
    cuts = [i for i in range(len(content) // 2, len(content)) if content[i] == 0xFF]
    errors = []
    for cut in cuts[:40]:
        path.write_bytes(content[:cut])
        with pytest.raises(AudioError, match="is cut short") as caught:
            read(path)
        errors.append(str(caught.value))
    assert errors and capfd.readouterr().err == ""


FAKE = """
[ "$*" = "-nostdin -v error -xerror -protocol_whitelist file,subfile -i \
file:$ASR_TEST_FILE -map 0:a:0 -ar 16000 -c:a pcm_f32be -f au -" ] || exit 9
cat "$ASR_TEST_SOUND"
echo "$ASR_TEST_SAYS" >&2
"""


def test_m4a_goes_through_ffmpeg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = script(tmp_path / "bin" / "ffmpeg", FAKE)
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: str(program))
    both = np.stack([noise(3.3), noise(3.3, seed=1)], axis=1)
    sound = tmp_path / "sound.au"
    soundfile.write(sound, both, 16000, subtype="FLOAT", endian="BIG")
    for name in ("a.m4a", "b.m4a"):
        (tmp_path / name).write_bytes(b"\0\0\0\x20ftypM4A ")
    monkeypatch.setenv("ASR_TEST_SOUND", str(sound))
    monkeypatch.setenv("ASR_TEST_FILE", str(tmp_path / "a.m4a"))
    assert (read(tmp_path / "a.m4a") == both.mean(axis=1)).all()
    assert (read(tmp_path / "a.m4a", 2) == both[:, 1]).all()
    with pytest.raises(AudioError, match=r"has 2 channel"):
        read(tmp_path / "a.m4a", 3)
    monkeypatch.setenv("ASR_TEST_SAYS", "[au @ 0x1] non monotonically increasing dts")
    assert len(read(tmp_path / "a.m4a")) == len(both)
    monkeypatch.setenv("ASR_TEST_SAYS", "[mov @ 0x12ab] [x @ 0x1] moov atom not found.")
    with pytest.raises(AudioError, match=r"a.m4a: .*\(ffmpeg: moov atom not found\)$"):
        read(tmp_path / "a.m4a")
    with pytest.raises(AudioError, match=r"b.m4a: .* \(ffmpeg: exit code 9\)"):
        read(tmp_path / "b.m4a")


def test_real_m4a(tmp_path: Path) -> None:
    tone = 0.3 * np.sin(np.arange(48000) * 2 * np.pi * 440 / 16000)
    path = encode(np.stack([tone, 0 * tone], axis=1), tmp_path / "a.m4a")
    found = read(path, 1)
    assert abs(len(found) - 48000) < 2100  # the codec pads to whole frames
    assert np.abs(found).max() == pytest.approx(0.3, abs=0.05)
    assert np.abs(read(path, 2)).max() < 0.01
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError, match=r"a.m4a: .* \(ffmpeg: "):
        read(path)


def test_ffmpeg_of_the_package_or_of_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ffmpeg.find_ffmpeg.__wrapped__
    assert "imageio_ffmpeg" in str(found())
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setattr(shutil, "which", lambda name: f"/opt/{name}")
    assert found() == "/opt/ffmpeg"


@pytest.mark.parametrize("name", ["a b.oga", "a,b:c 'd'.oga", "-y.oga"])
def test_ffmpeg_reads_parts_of_any_name(tmp_path: Path, name: str) -> None:
    both = [encode(voice(n), tmp_path / f"{n}.oga", "-c:a", "flac") for n in (1, 2)]
    path = tmp_path / name
    path.write_bytes(b"".join(part.read_bytes() for part in both))
    assert np.abs(read(path) - np.concatenate([voice(1), voice(2)])).max() < 1e-4


VOICE = voice(1.0)
MIXES = {  # channels, and what is heard of them
    "negative": ([VOICE, -VOICE], VOICE, 0),
    "louder negative": ([0.7 * VOICE, -VOICE], -VOICE, 1),
    "negative, with noise": ([VOICE + 0.01 * noise(1.0), -VOICE], VOICE, 0),
    "negative, shifted": ([VOICE + 0.2, -VOICE], VOICE + 0.2, 0),
    "one silent": ([VOICE, 0 * VOICE], 0.5 * VOICE, None),
    "both": ([VOICE, VOICE], VOICE, None),
    "silence": ([0 * VOICE, 0 * VOICE], 0 * VOICE, None),
    "three": ([VOICE, 0.1 * VOICE, -VOICE], VOICE, 0),
}


@pytest.mark.parametrize("name", MIXES)
@pytest.mark.parametrize("seconds", [1, 70])
def test_channels_that_cancel_each_other_out(
    tmp_path: Path, name: str, seconds: int
) -> None:
    channels, expected, chosen = MIXES[name]
    both = np.tile(np.stack(channels, axis=1), (seconds, 1))
    path = tmp_path / "a.wav"
    soundfile.write(path, both, 16000, "FLOAT")
    notes: list[str] = []
    blocks = np.concatenate(list(read_blocks(path, 16000, 3, tell=notes.append)))
    assert np.abs(blocks - np.tile(expected, seconds)).max() < 0.02
    assert (read_audio(path, 16000) == blocks).all()
    assert notes == ([] if chosen is None else [cancelled(chosen)])
    notes.clear()
    one = np.concatenate(list(read_blocks(path, 16000, 3, 2, notes.append)))
    assert (one == both[:, 1].astype(np.float32)).all() and not notes


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".m4a", ".opus"])
def test_channels_that_cancel_each_other_out_in(tmp_path: Path, suffix: str) -> None:
    path = encode(np.stack([VOICE, -VOICE], axis=1), tmp_path / f"a{suffix}")
    power = np.mean(read_audio(path, 16000) ** 2) * len(read_audio(path, 16000))
    assert power == pytest.approx(float(np.sum(VOICE**2)), rel=0.1)


def test_blocks_of_mp3_are_not_torn(tmp_path: Path) -> None:
    """Its frames lean on the ones before; after a seek the first are wrong."""
    path = encode(voice(6.0), tmp_path / "a.mp3", "-ar", "48000", "-q:a", "5")
    whole = read_audio(path, 48000)
    assert (
        np.abs(np.concatenate(list(read_blocks(path, 48000, 1))) - whole).max() < 1e-5
    )


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 1.0)
    path = path.rename(tmp_path / os.fsdecode(b"\xff\xfe.wav"))
    assert len(read(path)) == 16000 and check_audio(path) is None
    path.write_bytes(b"no sound" * 9)
    assert "not audio that can be read" in (check_audio(path) or "")
    path = path.rename(path.with_suffix(".mp3"))
    assert "not audio that can be read" in (check_audio(path) or "")
