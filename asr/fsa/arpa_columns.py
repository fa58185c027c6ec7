"""An ARPA file's n-grams as columns of word ids and scores.

A line of the file is looked at once; what follows works on whole columns, so that
memory stays a small multiple of the n-grams.
"""

import math
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.errors import RecipeError

LN10 = math.log(10.0)

Lines = Iterator[tuple[int, bytes]]  # line number and line
Section = tuple[NDArray[np.int32], NDArray[np.float64]]


def read_arpa_columns(
    arpa: Path, words: Mapping[str, int], max_order: int
) -> Iterator[Section]:
    """For each order n its (N, n) word ids and (N, 2) scores and back-offs, ln.

    Args:
        words: ids; n-grams with a word that has none are left out.
        max_order: longer n-grams are not read.

    Raises:
        RecipeError: the file is missing or damaged; the message names the line.
    """
    if not arpa.is_file():
        raise RecipeError(
            f"{arpa} is missing; the recipe's own n-gram is made by the lm stage (4)"
        )
    ids = {word.encode(): id_ for word, id_ in words.items()}
    with open(arpa, "rb") as file:
        lines: Lines = enumerate(file, start=1)
        header = next((line for _, line in lines if line.startswith(b"\\1-")), b"")
        for order in range(1, max_order + 1):
            if not header.startswith(b"\\%d-grams:" % order):
                break
            columns, scores, header = _read_section(arpa, lines, ids, order)
            table = np.frombuffer(columns, np.int32).reshape(-1, order)
            yield table, LN10 * np.frombuffer(scores, np.float64).reshape(-1, 2)


def _read_section(
    arpa: Path, lines: Lines, ids: Mapping[bytes, int], order: int
) -> tuple["array[int]", "array[float]", bytes]:
    """One order's word ids and log10 scores, and the line that ended it."""
    columns, scores = array("i"), array("d")
    for number, line in lines:
        if line.startswith(b"\\"):
            return columns, scores, line
        fields = line.split()
        if not fields:
            continue
        if not order < len(fields) < order + 3:
            raise _damaged(arpa, number, order)
        try:
            pair = float(fields[0]), float(fields[-1]) if fields[order + 1 :] else 0.0
        except ValueError:
            raise _damaged(arpa, number, order) from None
        try:
            columns.extend([ids[word] for word in fields[1 : order + 1]])
        except KeyError:
            continue  # <unk>, or a word that no tokens spell
        scores.extend(pair)
    raise RecipeError(
        f"{arpa} ends without \\end\\: it is damaged; the recipe's own is made by the lm stage (4)"
    )


def _damaged(arpa: Path, number: int, order: int) -> RecipeError:
    return RecipeError(
        f"{arpa}, line {number}: not an n-gram of {order} words with its scores; "
        "it is damaged; the recipe's own is made by the lm stage (4)"
    )
