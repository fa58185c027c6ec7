"""Folders of noises and impulse responses: found in order, or one clear line."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.data.audio import AudioError
from asr.data.augment.sounds import find_sounds, read_impulse, read_noise
from asr.errors import RecipeError
from tests.data.sounds import write_sound

KEY = "fbank.augment.noise.folder"


def test_all_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.wav", "a/z.ogg", "a/C.FLAC"):
        write_sound(tmp_path / name)
    (tmp_path / "readme.txt").write_text("x")
    found = [p.relative_to(tmp_path).as_posix() for p in find_sounds(tmp_path, KEY)]
    assert found == ["a/C.FLAC", "a/z.ogg", "b.wav"]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("nothing", "no such folder"),
        ("empty", "no audio in it"),
        ("text", "no audio in it"),
        ("damaged", "b.wav: cannot be read as audio"),
        ("cut", "b.flac: cannot be read as audio"),
    ],
)
def test_bad_folders_are_one_clear_line(tmp_path: Path, made: str, said: str) -> None:
    folder = tmp_path / "noise"
    if made != "nothing":
        folder.mkdir()
    if made == "text":
        (folder / "a.txt").write_text("x")
    if made in ("damaged", "cut"):
        write_sound(folder / "a.wav")
    if made == "damaged":
        (folder / "b.wav").write_bytes(b"not a sound")
    if made == "cut":
        whole = write_sound(folder / "b.flac").read_bytes()
        (folder / "b.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RecipeError) as caught:
        find_sounds(folder, KEY)
    assert str(caught.value).startswith(f"{KEY}: {folder}")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_noise_is_mono_at_the_rate_asked_for(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 2.0, rate=44100, channels=2)
    assert read_noise(path, 16000, np.random.default_rng(0)).shape == (32000,)


def test_of_a_long_file_other_parts_are_read(tmp_path: Path) -> None:
    ramp = np.linspace(0.1, 0.9, 40 * 2000).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", ramp, 2000, "FLOAT")
    parts = [
        read_noise(tmp_path / "a.wav", 2000, np.random.default_rng(s)) for s in (0, 1)
    ]
    assert [len(part) for part in parts] == [60000, 60000]
    assert parts[0][0] != parts[1][0]
    assert (np.diff(parts[0]) > 0).all()


def test_a_silent_file_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 16000)
    with pytest.raises(AudioError, match="a.wav: is silent"):
        read_noise(tmp_path / "a.wav", 16000, np.random.default_rng(0))
    with pytest.raises(AudioError, match="a.wav: is silent"):
        read_impulse(tmp_path / "a.wav", 16000)


def test_an_array_s_first_microphone_is_taken(tmp_path: Path) -> None:
    both = np.stack([[1.0, 0.5, 0.0], [0.0, 1.0, 0.5]], axis=1)
    soundfile.write(tmp_path / "a.wav", both, 16000, "FLOAT")
    assert read_impulse(tmp_path / "a.wav", 16000).tolist() == [1.0, 0.5, 0.0]
