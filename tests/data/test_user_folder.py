"""A user's own folder: nothing is lost without a word."""

import os
import unicodedata
from pathlib import Path

import pytest

from asr.data import ffmpeg
from asr.data.user_folder import UserFolder, load_user_folder
from asr.errors import RecipeError
from asr.text.normalize import get_rule
from tests.data.sounds import write_sound


def load(folder: Path) -> UserFolder:
    return load_user_folder(folder, get_rule("upper"))


def texts(folder: Path) -> dict[str, str | None]:
    return {file.id: file.text for file in load(folder).files}


def transcript(folder: Path, name: str, content: bytes, suffix: str = "txt") -> None:
    path = folder / "transcriptions" / f"{name}.{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_formats_and_transcripts(tmp_path: Path) -> None:
    audio = tmp_path / "audio"
    write_sound(audio / "a.wav", rate=22050)
    write_sound(audio / "b.flac", rate=8000, channels=2)
    write_sound(audio / "c.mp3", rate=44100)
    write_sound(audio / "D.OGG", rate=48000)
    transcript(tmp_path, "a", b"\xef\xbb\xbfHello,\r\nworld!\r\n")
    transcript(tmp_path, "b", b"")
    found = load(tmp_path)
    assert [file.id for file in found.files] == ["D", "a", "b", "c"]
    assert texts(tmp_path) == {"D": None, "a": "HELLO WORLD", "b": None, "c": None}
    assert found.failures == {} and found.notes == ()


def test_every_problem_is_reported(tmp_path: Path) -> None:
    audio = tmp_path / "audio"
    write_sound(audio / "good.wav")
    write_sound(audio / "no samples.wav", 0.0)
    (audio / "nothing.wav").touch()
    (audio / "broken.flac").write_bytes(b"no sound" * 20)
    (audio / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    whole = write_sound(audio / "cut.wav").read_bytes()
    (audio / "cut.wav").write_bytes(whole[: len(whole) // 2])
    (audio / ".hidden").write_bytes(b"")
    (audio / "notes.txt").write_text("x")
    transcript(tmp_path, "lost", b"there is no sound for this")
    transcript(tmp_path, "good", "caf\u00e9".encode("latin-1"))
    found = load(tmp_path)
    assert [(file.id, file.text) for file in found.files] == [("good", None)]
    problems = {
        "audio/broken.flac": "is not audio that can be read (Format not recognised)",
        "audio/cut.wav": "is cut short: 32000 bytes of samples are promised, 15978",
        "audio/gone.wav": "no such file",
        "audio/no samples.wav": "has no samples",
        "audio/nothing.wav": "is empty (0 bytes)",
        "transcriptions/good.txt": "is not UTF-8 text",
    }
    assert list(found.failures) == list(problems)
    for place, words in problems.items():
        assert found.failures[place].startswith(words)
    assert [note.split(":")[-1].strip() for note in found.notes] == [
        "lost",
        "notes.txt",
    ]


@pytest.mark.parametrize("make", [False, True])
def test_no_audio(tmp_path: Path, make: bool) -> None:
    if make:
        (tmp_path / "audio").mkdir()
        (tmp_path / "audio/notes.txt").write_text("x")
    with pytest.raises(RecipeError, match="no audio files; put them into"):
        load(tmp_path)


def test_folders_links_and_files_without_an_audio_folder(tmp_path: Path) -> None:
    write_sound(tmp_path / "store" / "sub" / "b.wav")
    write_sound(tmp_path / "mine" / "deep" / "er" / "a.wav")
    (tmp_path / "mine" / "linked").symlink_to(tmp_path / "store")
    (tmp_path / "mine" / "linked" / "circle").symlink_to(tmp_path / "mine")
    transcript(tmp_path / "mine", "deep/er/a", b"one")
    transcript(tmp_path / "mine", "b", b"two")
    assert texts(tmp_path / "mine") == {"a": "ONE", "b": "TWO"}


def test_whose_a_transcript_is(tmp_path: Path) -> None:
    audio = tmp_path / "audio"
    for name in ("a.wav", "a.flac", "x/b.wav", "y/b.wav", "my own.wav"):
        write_sound(audio / name)
    accent = unicodedata.normalize("NFD", "\u00e9")
    write_sound(audio / f"{accent}.wav")
    transcript(tmp_path, "a", b"of both")
    transcript(tmp_path, "a.flac", b"of one")
    transcript(tmp_path, "x/b", b"of x")
    transcript(tmp_path, "b", b"of whom")
    transcript(tmp_path, "my own", b"with a space")
    transcript(tmp_path, "\u00e9", b"accent")
    assert texts(tmp_path) == {
        "a.wav": "OF BOTH",
        "a.flac": "OF ONE",
        "x_b": "OF X",
        "y_b": None,
        "my_own": "WITH A SPACE",
        "\u00e9": "ACCENT",
    }
    (note,) = load(tmp_path).notes
    assert note.endswith("different folders): b")


def test_suffixes_and_names_in_capitals(tmp_path: Path) -> None:
    """As cameras, recorders and Windows write them."""
    for name in ("A.WAV", "b.Flac", "Rec 1.wav", "two.wav", "TWO.WAV"):
        write_sound(tmp_path / "Audio" / name)
    for name, suffix in (("A", "TXT"), ("b", "Txt"), ("rec 1", "txt"), ("Two", "txt")):
        transcript(tmp_path, name, name.encode(), suffix)
    (tmp_path / "transcriptions").rename(tmp_path / "Transcriptions")
    assert texts(tmp_path) == {
        "A": "A",
        "Rec_1": "REC 1",
        "TWO": None,
        "b": "B",
        "two": None,
    }
    (note,) = load(tmp_path).notes
    assert note.endswith("different folders): Two")


def test_two_transcripts_of_one_file(tmp_path: Path) -> None:
    accent = unicodedata.normalize("NFD", "\u00e9")
    for name in ("a", "b", "x/c", accent):
        write_sound(tmp_path / "audio" / f"{name}.wav")
    for name, suffix, said in (
        *(("a", "TXT", b"one"), ("a", "txt", b"two"), ("b", "TXT", b"same.")),
        *(("b", "txt", b"Same"), ("c", "txt", b"near"), ("x/c", "txt", b"far")),
        *((accent, "txt", b"d"), ("\u00e9", "txt", b"c")),
    ):
        transcript(tmp_path, name, said, suffix)
    found = load(tmp_path)
    assert texts(tmp_path) == {"a": "ONE", "b": "SAME", "c": "NEAR", "\u00e9": "D"}
    assert list(found.failures) == ["transcriptions/a.txt", "transcriptions/\u00e9.txt"]
    assert all("leave one of them" in why for why in found.failures.values())
    assert found.notes == ("transcript x/c is not used: c has another one of its own",)


@pytest.mark.parametrize("linked", ["audio", "transcriptions", "audio/sub", "file"])
def test_links_of_every_kind(tmp_path: Path, linked: str) -> None:
    mine, store = tmp_path / "mine", tmp_path / "store"
    write_sound(mine / "audio/sub/a.wav")
    transcript(mine, "sub/a", b"one")
    store.mkdir()
    for name in ("audio/sub/a.wav", "transcriptions/sub/a.txt"):
        place = mine / (name if linked == "file" else linked)
        if place.exists() and not place.is_symlink():
            place.rename(store / place.name)
            place.symlink_to(store / place.name)
    assert texts(mine) == {"a": "ONE"}


def test_links_that_lead_nowhere_have_a_line_each(tmp_path: Path) -> None:
    write_sound(tmp_path / "mine/audio/a.wav")
    for name in ("audio/b.wav", "audio/speaker", "transcriptions/a.txt"):
        (tmp_path / "mine" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "mine" / name).symlink_to("gone")
    found = load(tmp_path / "mine")
    assert texts(tmp_path / "mine") == {"a": None}
    assert found.failures == dict.fromkeys(
        ["audio/b.wav", "audio/speaker", "transcriptions/a.txt"],
        "no such file (a link to gone, which is not there)",
    )
    (tmp_path / "two").mkdir()
    (tmp_path / "two/audio").symlink_to("gone")
    with pytest.raises(RecipeError, match="two/audio: a link to gone, which is not"):
        load(tmp_path / "two")
    (tmp_path / "two/audio").unlink()
    write_sound(tmp_path / "two/audio/a.wav")
    (tmp_path / "two/transcriptions").write_text("a hello\n")
    assert load(tmp_path / "two").failures == {"transcriptions/": "is not a folder"}


def test_encodings_of_transcripts(tmp_path: Path) -> None:
    said = "Привет, мир"
    kinds = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
    for kind in (*kinds, "cp1251"):
        write_sound(tmp_path / f"audio/{kind}.wav")
        transcript(tmp_path, kind, said.encode(kind))
    write_sound(tmp_path / "audio/wav.wav")
    transcript(tmp_path, "wav", (tmp_path / "audio/wav.wav").read_bytes())
    found = load(tmp_path)
    heard = {file.id: file.text for file in found.files}
    assert heard == {
        **dict.fromkeys(kinds, said.upper().replace(",", "")),
        "cp1251": None,
        "wav": None,
    }
    assert "would read 'Привет,'" in found.failures["transcriptions/cp1251.txt"]
    assert "not text but audio" in found.failures["transcriptions/wav.txt"]
    notes = [note for note in found.notes if "UTF-16 without" in note]
    assert [note.split(": ")[1] for note in notes] == ["utf-16-be.txt", "utf-16-le.txt"]


def test_what_is_not_read_is_said(tmp_path: Path) -> None:
    write_sound(tmp_path / "audio/a.wav")
    write_sound(tmp_path / "more.wav")
    (tmp_path / "transcripts.csv").write_text("a,hello")
    transcript(tmp_path, "a", b"hello", "lab")
    assert load(tmp_path).notes == (
        "transcripts are .txt files, others passed over: a.lab",
        "beside audio and transcriptions, not read: more.wav, transcripts.csv",
    )


def test_other_versions_of_a_file_have_other_keys(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "audio" / "a.wav")
    (before,) = load(tmp_path).files
    (same,) = load(tmp_path).files
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    (after,) = load(tmp_path).files
    assert before.key == same.key != after.key


def test_m4a_without_ffmpeg_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sound(tmp_path / "audio" / "a.wav")
    (tmp_path / "audio" / "b.m4a").write_bytes(b"\0" * 20)
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)
    assert "install it, or convert" in load(tmp_path).failures["audio/b.m4a"]
