"""Loads an n-gram in the form that searches are fastest with."""

from pathlib import Path
from typing import TYPE_CHECKING

from asr.packages import missing

if TYPE_CHECKING:
    from asr.lm.arpa import ArpaLm
    from asr.lm.ngram import NgramLm


def load_lm(path: Path) -> "ArpaLm | NgramLm":
    """An ARPA file as arrays, where numba works; all else through KenLM.

    Where KenLM does not work, the ARPA file beside its binary form is taken.

    Raises RecipeError if the file is missing or not an n-gram model.
    """
    if missing("kenlm"):
        path = next(filter(Path.is_file, (path.with_suffix(".arpa"), path)), path)
    if missing("numba") is None and path.is_file():
        from asr.lm.arpa import read_arpa

        lm = read_arpa(path)
        if lm is not None:
            return lm
    from asr.lm.ngram import NgramLm

    return NgramLm(path)
