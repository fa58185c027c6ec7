"""Transcripts in Kaldi's ``text`` form or as one file per utterance."""

from pathlib import Path

from asr.errors import RecipeError


def read_texts(path: Path) -> dict[str, str]:
    """Read ``{utterance id: words}``.

    Args:
        path: a file with ``utt-id word word ...`` a line, or a folder of
            ``<utt-id>.txt``, at any depth. White space is folded; an utterance may
            have no words.

    Raises:
        RecipeError: nothing there, an id twice, or not UTF-8.
    """
    try:
        if path.is_dir():
            return _read_folder(path)
        if path.is_file():
            return _read_file(path)
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 text ({error.reason})") from error
    raise RecipeError(f"{path}: no such file or folder of transcripts")


def _read_folder(folder: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for file in sorted(folder.rglob("*.txt")):
        if file.stem in texts:
            raise RecipeError(f"{file}: there is another transcript of {file.stem}")
        texts[file.stem] = " ".join(file.read_text(encoding="utf-8").split())
    if not texts:
        raise RecipeError(f"{folder}: no <utt-id>.txt in this folder")
    return texts


def _read_file(file: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    lines = file.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        id_, *words = line.split() or [""]
        if not id_:
            continue
        if id_ in texts:
            raise RecipeError(f"{file}: line {number} has utterance {id_} again")
        texts[id_] = " ".join(words)
    if not texts:
        raise RecipeError(f"{file}: no transcripts in this file")
    return texts
