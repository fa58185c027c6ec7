"""Loads an n-gram in the form that searches are fastest with."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asr.lm.arpa import ArpaLm
    from asr.lm.ngram import NgramLm


def load_lm(path: Path) -> "ArpaLm | NgramLm":
    """An ARPA file as arrays, where numba is installed; all else through KenLM.

    Raises RecipeError if the file is missing or not an n-gram model.
    """
    if importlib.util.find_spec("numba") is not None and path.is_file():
        from asr.lm.arpa import read_arpa

        lm = read_arpa(path)
        if lm is not None:
            return lm
    from asr.lm.ngram import NgramLm

    return NgramLm(path)
