"""Kaldi's text, data directories, folders of texts, and speakers."""

import unicodedata
from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.score.transcripts import read_speakers, read_texts, speakers_beside


def test_text_file_data_directory_and_folder_are_the_same(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "folder" / "deep"
    for path in data, folder:
        path.mkdir(parents=True)
    (data / "text").write_text("u1 A  B\n\nu2\n")
    (folder / "u1.txt").write_text("A B\n")
    (folder / "u2.txt").write_text("")
    expected = {"u1": "A B", "u2": ""}
    assert read_texts(data / "text") == expected
    assert read_texts(data) == expected
    assert read_texts(tmp_path / "folder") == expected


def test_texts_as_other_systems_save_them(tmp_path: Path) -> None:
    """With a byte-order mark, CRLF, spaces and dots in names, and files beside."""
    (tmp_path / "my file.v1.txt").write_bytes(b"\xef\xbb\xbfA B\r\n")
    (tmp_path / "._my file.v1.txt").write_bytes(b"\x00\xff")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "my file.v1.txt").write_text("OLD")
    assert read_texts(tmp_path) == {"my_file.v1": "A B"}
    (tmp_path / "text").write_bytes(b"\xef\xbb\xbfu1 A\r\nu2\tB\r\n")
    assert read_texts(tmp_path) == {"u1": "A", "u2": "B"}


def test_suffixes_links_and_encodings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, folder = tmp_path / "store", tmp_path / "folder"
    for path in store, folder:
        path.mkdir()
    (store / "a.TXT").write_bytes("Ё one".encode("utf-16-le"))
    (store / "again").symlink_to(store)
    (folder / "linked").symlink_to(store)
    (folder / unicodedata.normalize("NFD", "é.Txt")).write_bytes(b"two\rthree\0")
    assert read_texts(folder) == {"a": "Ё one", "é": "two three"}
    assert "linked/a.TXT: read as UTF-16 without" in capsys.readouterr().out
    ids = f"{unicodedata.normalize('NFD', 'é')} one\ru2 two"
    (tmp_path / "text").write_bytes(ids.encode("utf-16"))
    assert read_texts(tmp_path / "text") == {"é": "one", "u2": "two"}
    (folder / "b.txt").symlink_to("gone")
    with pytest.raises(RecipeError, match="b.txt: no such file .a link to gone"):
        read_texts(folder)
    (folder / "b.txt").unlink()
    (folder / "b.txt").write_bytes(b"RIFF....")
    with pytest.raises(RecipeError, match="b.txt: is not text but audio"):
        read_texts(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"u1 A\nu1 B\n", "line 2"), (b"\n", "no transcripts"), (b"u1 \xff", "UTF-8")],
)
def test_bad_text_files(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(RecipeError, match=said):
        read_texts(tmp_path / "text")


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        read_texts(tmp_path / "absent")
    with pytest.raises(RecipeError, match="no <utt-id>.txt"):
        read_texts(tmp_path)


def test_speakers(tmp_path: Path) -> None:
    path = tmp_path / "utt2spk"
    assert speakers_beside(tmp_path) is None
    path.write_text("u1 s\nu2 t\n")
    assert speakers_beside(tmp_path) == speakers_beside(tmp_path / "text") == path
    assert read_speakers(path) == {"u1": "s", "u2": "t"}
    for content, said in (("u1 s\nu1 t\n", "line 2: an utterance"), ("u1\n", "line 1")):
        path.write_text(content)
        with pytest.raises(RecipeError, match=said):
            read_speakers(path)
    with pytest.raises(RecipeError, match="no such file"):
        read_speakers(tmp_path / "absent")
