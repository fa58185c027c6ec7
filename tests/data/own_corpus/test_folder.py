"""Audio and transcriptions as one set: speakers, and everything that can be wrong."""

import unicodedata
from pathlib import Path

import pytest

from asr.data import ffmpeg
from tests.data.own_corpus.sets import as_folder, details, read, reasons, texts
from tests.data.sounds import write_sound


def test_speakers_are_the_first_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    as_folder(
        tmp_path / "d/train", {"a/b/1.wav": "one", "c/2.mp3": "two", "3.ogg": "x"}
    )
    as_folder(tmp_path / "d/dev", {"4.flac": "four", "5.sph": "five"})
    found = read(tmp_path / "d")
    who = {s.id: s.speaker for name in found for s in found[name][1]}
    assert who == {"1": "a", "2": "c", "3": "3", "4": "4", "5": "5"}
    assert "dev: no speakers are known" in (said := capsys.readouterr().out)
    assert "train: no speakers" not in said
    for recording in found["train"][0]:  # in place
        assert str(recording.sources[0].source).startswith(str(tmp_path / "d/train"))


def test_utt2spk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = as_folder(
        tmp_path / "d/train", {"x/1.wav": "a", "2.wav": "b", "3.wav": "c"}
    )
    (folder / "utt2spk").write_text("x/1.wav ann\n2 bob\nnobody eve\n")
    as_folder(tmp_path / "d/dev", {"4.wav": "four"})
    found = read(tmp_path / "d")
    assert {s.id: s.speaker for s in found["train"][1]} == {
        "1": "ann",
        "2": "bob",
        "3": "3",
    }
    said = capsys.readouterr().out
    assert "utt2spk: 1 lines name no audio: nobody" in said
    assert "utt2spk: says nothing of 1 utterances" in said


def test_everything_that_is_wrong_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)
    folder = as_folder(tmp_path / "d/train", {"good.wav": "fine", "bare.wav": None})
    (folder / "audio/broken.flac").write_bytes(b"no sound" * 20)
    (folder / "audio/phone.m4a").write_bytes(b"\0" * 20)
    (folder / "transcriptions/broken.txt").write_text("words")
    (folder / "transcriptions/lost.txt").write_text("nobody")
    write_sound(folder / "audio/latin.wav")
    (folder / "transcriptions/latin.txt").write_bytes("caf\u00e9".encode("latin-1"))
    as_folder(tmp_path / "d/dev", {"4.wav": "four"})
    found = read(tmp_path / "d")["train"]
    assert texts(found) == {"good": "fine"}
    assert reasons(found) == {
        "broken": "unreadable audio",
        "phone": "unreadable audio",
        "lost": "no audio",
        "transcriptions/latin.txt": "unreadable transcript",
    }
    said = details(found)
    assert "needs the program ffmpeg" in said and "is not UTF-8 text" in said
    assert "broken.flac: is not audio" in said


def test_folders_as_other_systems_keep_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Suffixes and folders in capitals, links, accents in pieces, UTF-16."""
    train, store = tmp_path / "d/train", tmp_path / "store"
    pieces = unicodedata.normalize("NFD", "\u00e9")
    for number, name in enumerate(("ann/A.WAV", f"ann/{pieces}.wav", "two.flac")):
        write_sound(store / name, 0.5, seed=number)
    train.mkdir(parents=True)
    (train / "Audio").symlink_to(store)
    (store / "ann/gone.wav").symlink_to("nowhere")
    (store / "bob").symlink_to(tmp_path / "no such folder")
    (store / "again").symlink_to(store / "ann")
    for name, content in (
        ("ann/a.TXT", "one".encode("utf-16")),
        ("\u00e9.Txt", "two \u0451".encode("utf-16-le")),
        ("two.txt", b"three\rfour\0"),
        ("gone.txt", b"lost"),
        ("ann/two.txt", b"another"),
    ):
        path = train / "Transcriptions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    as_folder(tmp_path / "d/dev", {"4.wav": "four"})
    found = read(tmp_path / "d")["train"]
    assert texts(found) == {"A": "one", "\u00e9": "two \u0451", "two": "three four"}
    assert reasons(found) == {
        "gone": "unreadable audio",
        "Audio/bob": "unreadable audio",
        "ann/two": "duplicate id",
    }
    assert "gone.wav: no such file (a link to nowhere, which is not" in details(found)
    assert "two.txt: two has another transcript of its own" in details(found)
    said = capsys.readouterr().out
    assert (
        "read as UTF-16 without a byte-order mark (little-endian): \u00e9.Txt" in said
    )
    assert f"{store.name}/again" not in said and "again is the same folder as" in said
