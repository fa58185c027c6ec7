"""Transcripts in Kaldi's ``text`` form or as one file per utterance; speakers."""

from collections.abc import Iterable
from pathlib import Path

from asr.data.user_names import plain_id
from asr.data.user_transcripts import SUFFIX
from asr.errors import RecipeError
from asr.folders import list_files
from asr.text.encoding import read_text

TEXT, SPEAKERS = "text", "utt2spk"  # files of a Kaldi data directory
NAMED = 5  # ids that a message lists


def read_texts(path: Path) -> dict[str, str]:
    """Read ``{utterance id: words}``.

    Args:
        path: a file with ``utt-id word word ...`` a line; a data directory, which has
            such a file called ``text``; or a folder of ``<utt-id>.txt``, at any depth.
            White space is folded; an utterance may have no words.

    Raises:
        RecipeError: nothing there, an id twice, a file that cannot be read, or no text.
    """
    if (path / TEXT).is_file():
        path = path / TEXT
    if path.is_dir():
        return _read_folder(path)
    if path.is_file():
        return _read_file(path)
    raise RecipeError(f"{path}: no such file or folder of transcripts")


def read_speakers(path: Path) -> dict[str, str]:
    """Read ``utt-id speaker`` lines.

    Raises:
        RecipeError: no such file, a line of another form, or an id twice.
    """
    speakers: dict[str, str] = {}
    if not path.is_file():
        raise RecipeError(f"{path}: no such file ('utt-id speaker' a line)")
    for number, line in enumerate(_lines(path), 1):
        fields = line.split()
        id_ = plain_id(fields[0]) if fields else ""
        if len(fields) != 2 or id_ in speakers:
            wrong = "an utterance again" if len(fields) == 2 else "not 'utt-id speaker'"
            raise RecipeError(f"{path}, line {number}: {wrong}: {line.strip()}")
        speakers[id_] = fields[1]
    return speakers


def speakers_beside(path: Path) -> Path | None:
    """The ``utt2spk`` that belongs to a text file or data directory, if there is one."""
    folder = path if path.is_dir() else path.parent
    return folder / SPEAKERS if (folder / SPEAKERS).is_file() else None


def named(ids: Iterable[str]) -> str:
    """The first few of some ids, for a message."""
    known = sorted(ids)
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    return ", ".join(known[:NAMED]) + more


def _read_folder(folder: Path) -> dict[str, str]:
    listing = list_files(folder)
    for path, problem in listing.problems.items():
        raise RecipeError(f"{path}: {problem}")
    texts: dict[str, str] = {}
    for file in listing.files:
        if file.suffix.lower() != SUFFIX:
            continue
        id_ = plain_id(file.name[: -len(SUFFIX)])
        if id_ in texts:
            raise RecipeError(f"{file}: there is another transcript of {id_}")
        texts[id_] = " ".join(read_text(file).split())
    if not texts:
        raise RecipeError(
            f"{folder}: no <utt-id>{SUFFIX} in this folder, and no file called {TEXT}"
        )
    return texts


def _read_file(file: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for number, line in enumerate(_lines(file), 1):
        first, *words = line.split() or [""]
        if not first:
            continue
        id_ = plain_id(first)
        if id_ in texts:
            raise RecipeError(f"{file}: line {number} has utterance {id_} again")
        texts[id_] = " ".join(words)
    if not texts:
        raise RecipeError(f"{file}: no transcripts in this file")
    return texts


def _lines(file: Path) -> list[str]:
    """Not ``splitlines``: a word may hold one of Unicode's line separators."""
    return read_text(file).rstrip("\n").split("\n")
