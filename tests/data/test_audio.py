"""Reading sound files of all kinds."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.data import audio_blocks
from asr.data.audio import AudioError, check_audio, read_audio, resample
from tests.data.sounds import noise, write_sound


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".sph", ".ogg", ".mp3", ".aiff"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    path = write_sound(tmp_path / f"a{suffix}", 0.5)
    assert check_audio(path) is None
    samples = read_audio(path, 16000)
    assert samples.shape == (8000,) and samples.dtype == np.float32
    if suffix not in (".ogg", ".mp3"):  # lossless but for 16 bits
        assert np.abs(samples - noise(0.5)).max() < 1e-4


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 0.5, channels=3)
    expected = np.mean([noise(0.5, seed=100 * c) for c in range(3)], axis=0)
    assert np.abs(read_audio(path, 16000) - expected).max() < 1e-4


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_resampling_keeps_a_tone(tmp_path: Path, rate: int) -> None:
    time = np.arange(rate) / rate
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 1000 * time), rate)
    samples = read_audio(tmp_path / "a.wav", 16000)
    assert len(samples) == 16000
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    assert np.abs(samples - expected)[100:-100].max() < 2e-3


def test_resampling_gives_the_same_bits_without_torchaudio(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("torchaudio")
    rates = (44100, 48000, 22050, 8000, 11025, 22051)
    waves = {rate: noise(0.3, rate) for rate in rates}
    made = {rate: resample(wave, rate, 16000) for rate, wave in waves.items()}
    resampler = audio_blocks._resampler
    assert type(resampler(441, 160)).__module__.startswith("torchaudio")
    monkeypatch.setitem(sys.modules, "torchaudio.transforms", None)
    resampler.cache_clear()
    for rate, wave in waves.items():
        assert (resample(wave, rate, 16000) == made[rate]).all()
    assert type(resampler(441, 160)).__module__.startswith("lhotse")
    resampler.cache_clear()


def test_resampling_to_the_same_rate_is_free() -> None:
    samples = noise(0.1)
    assert resample(samples, 16000, 16000) is samples


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "a.wav: is empty"), (b"no sound at all" * 50, "a.wav: is not audio")],
)
def test_unreadable(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert check_audio(path)
    with pytest.raises(AudioError, match=problem) as caught:
        read_audio(path, 16000)
    assert "\n" not in str(caught.value)


def test_no_samples(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 0.0)
    assert check_audio(path) == "has no samples"
    with pytest.raises(AudioError, match="a.wav: has no samples"):
        read_audio(path, 16000)


def test_truncated_flac_is_noticed(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.flac", 5.0)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    assert check_audio(path) is not None


def test_missing_file(tmp_path: Path) -> None:
    assert check_audio(tmp_path / "no.wav") == "no such file"
    with pytest.raises(AudioError, match="no.wav"):
        read_audio(tmp_path / "no.wav", 16000)
