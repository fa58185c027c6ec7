"""Long files in blocks: the same samples as at once; nothing missing unnoticed."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.data import ffmpeg
from asr.data.audio import AudioError, check_audio, read_audio
from asr.data.audio_blocks import read_blocks
from tests.data.sounds import noise, write_sound
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
[ "$*" = "-nostdin -v error -xerror -i file:$ASR_TEST_FILE -map 0:a:0 -ar 16000 \
-c:a pcm_f32be -f au -" ] || exit 9
cat "$ASR_TEST_SOUND"
echo "$ASR_TEST_SAYS" >&2
"""


def test_m4a_goes_through_ffmpeg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "bin" / "ffmpeg", FAKE)
    both = np.stack([noise(3.3), noise(3.3, seed=1)], axis=1)
    sound = tmp_path / "sound.au"
    soundfile.write(sound, both, 16000, subtype="FLOAT", endian="BIG")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("ASR_TEST_SOUND", str(sound))
    monkeypatch.setenv("ASR_TEST_FILE", str(tmp_path / "a.m4a"))
    assert (read(tmp_path / "a.m4a") == both.mean(axis=1)).all()
    assert (read(tmp_path / "a.m4a", 2) == both[:, 1]).all()
    with pytest.raises(AudioError, match=r"has 2 channel"):
        read(tmp_path / "a.m4a", 3)
    monkeypatch.setenv("ASR_TEST_SAYS", "[mov @ 0x12ab] moov atom not found")
    with pytest.raises(AudioError, match=r"a.m4a: ffmpeg: moov atom not found"):
        read(tmp_path / "a.m4a")
    with pytest.raises(AudioError, match=r"b.m4a: ffmpeg: exit code 9"):
        read(tmp_path / "b.m4a")


@pytest.mark.skipif(ffmpeg.find_ffmpeg() is None, reason="ffmpeg is not installed")
def test_real_m4a(tmp_path: Path) -> None:
    tone = 0.3 * np.sin(np.arange(48000) * 2 * np.pi * 440 / 16000)
    soundfile.write(tmp_path / "a.wav", np.stack([tone, 0 * tone], axis=1), 16000)
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "a.wav")]
    subprocess.run([*command, str(tmp_path / "a.m4a")], check=True)
    found = read(tmp_path / "a.m4a", 1)
    assert abs(len(found) - 48000) < 2100  # the codec pads to whole frames
    assert np.abs(found).max() == pytest.approx(0.3, abs=0.05)
    assert np.abs(read(tmp_path / "a.m4a", 2)).max() < 0.01
    content = (tmp_path / "a.m4a").read_bytes()
    (tmp_path / "a.m4a").write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioError, match=r"a.m4a: ffmpeg: "):
        read(tmp_path / "a.m4a")


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 1.0)
    path = path.rename(tmp_path / os.fsdecode(b"\xff\xfe.wav"))
    assert len(read(path)) == 16000 and check_audio(path) is None
    path.write_bytes(b"no sound" * 9)
    assert "not audio that can be read" in (check_audio(path) or "")
    path = path.rename(path.with_suffix(".mp3"))
    assert "not audio that can be read" in (check_audio(path) or "")
