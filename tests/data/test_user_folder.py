"""A user's own folder: nothing is lost without a word."""

from pathlib import Path

import numpy as np
import pytest

from asr.data.user_folder import extract, load_user_folder
from asr.errors import RecipeError
from asr.text.normalize import get_rule
from tests.data.sounds import write_sound

UPPER = get_rule("upper")


def transcript(folder: Path, id_: str, content: bytes) -> None:
    (folder / "transcriptions").mkdir(exist_ok=True)
    (folder / "transcriptions" / f"{id_}.txt").write_bytes(content)


def test_formats_rates_and_channels(tmp_path: Path) -> None:
    audio = tmp_path / "audio"
    write_sound(audio / "a.wav", 1.0, rate=22050)
    write_sound(audio / "b.flac", 1.0, rate=8000, channels=2)
    write_sound(audio / "c.mp3", 1.0, rate=44100)
    write_sound(audio / "D.OGG", 1.0, rate=48000)
    transcript(tmp_path, "a", b"\xef\xbb\xbfHello,\r\nworld!\r\n")
    transcript(tmp_path, "b", b"")
    folder = load_user_folder(tmp_path, UPPER)
    assert [u.id for u in folder.utterances] == ["D", "a", "b", "c"]
    texts = {u.id: u.text for u in folder.utterances}
    assert texts == {"D": None, "a": "HELLO WORLD", "b": None, "c": None}
    assert folder.failures == {}
    for utterance in folder.utterances:
        features = extract(utterance, 16000, 80)
        assert features.shape[1] == 80 and features.dtype == np.float32
        assert abs(len(features) - 100) <= (15 if utterance.id == "c" else 0)


def test_every_problem_is_reported(tmp_path: Path) -> None:
    audio = tmp_path / "audio"
    write_sound(audio / "good.wav")
    write_sound(audio / "empty.wav", 0.0)
    (audio / "broken.flac").write_bytes(b"no sound" * 20)
    (audio / "phone.m4a").write_bytes(b"\0" * 20)
    (audio / ".hidden").write_bytes(b"")
    transcript(tmp_path, "lost", b"there is no sound for this")
    transcript(tmp_path, "good", "caf\u00e9".encode("latin-1"))
    folder = load_user_folder(tmp_path, UPPER)
    assert [(u.id, u.text) for u in folder.utterances] == [("good", None)]
    problems = folder.failures
    assert sorted(problems) == ["broken", "empty", "good", "lost", "phone.m4a"]
    assert "has no samples" in problems["empty"]
    assert "there is no audio/lost.*" in problems["lost"]
    assert "not UTF-8" in problems["good"]
    assert "convert it" in problems["phone.m4a"]
    assert "broken.flac" in problems["broken"]


@pytest.mark.parametrize("make", [False, True])
def test_no_audio(tmp_path: Path, make: bool) -> None:
    if make:
        (tmp_path / "audio").mkdir()
        (tmp_path / "audio/notes.txt").write_text("x")
    with pytest.raises(RecipeError, match="audio: no audio files; put them there"):
        load_user_folder(tmp_path, UPPER)


def test_two_files_with_one_id(tmp_path: Path) -> None:
    write_sound(tmp_path / "audio/a.wav")
    write_sound(tmp_path / "audio/a.flac")
    with pytest.raises(RecipeError, match="a.flac and a.wav have the same id"):
        load_user_folder(tmp_path, UPPER)


def test_spaces_in_names(tmp_path: Path) -> None:
    write_sound(tmp_path / "audio/my  own file.wav")
    (tmp_path / "transcriptions").mkdir()
    (tmp_path / "transcriptions/my  own file.txt").write_text("hello")
    (found,) = load_user_folder(tmp_path, UPPER).utterances
    assert (found.id, found.text) == ("my_own_file", "HELLO")
    write_sound(tmp_path / "audio/my_own_file.wav")
    with pytest.raises(RecipeError, match="have the same id"):
        load_user_folder(tmp_path, UPPER)
