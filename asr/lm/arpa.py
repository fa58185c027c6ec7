"""An ARPA file's n-gram in memory: KenLM's scores, and open to compiled searches."""

import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.lm.ngram_table import NGRAM, Table, look_up_from_python

LN10 = math.log(10.0)
UNKNOWN = ("<unk>", "<UNK>")
UNKNOWN_LOG10 = -100.0  # KenLM's, where the file has none
MAX_ROWS = 2**31 - 1
COUNT = re.compile(rb"ngram\s+(\d+)\s*=\s*(\d+)\s*")


class ArpaLm:
    """A back-off n-gram; states are rows of its table, scores natural logs.

    Attributes:
        table: see ``ngram_table``.
        numbers: of the words; ``<unk>`` and the like among them.
        unknown: number of all other words.
    """

    def __init__(self, table: Table, words: list[str]) -> None:
        self.table = table
        self.numbers = {word: number for number, word in enumerate(words, 1)}
        listed = (self.numbers[word] for word in UNKNOWN if word in self.numbers)
        self.unknown = next(listed, len(words) + 1)

    def number(self, word: str) -> int:
        """Of any word."""
        return self.numbers.get(word, self.unknown)

    def __contains__(self, word: str) -> bool:
        return self.number(word) != self.unknown

    def words(self) -> frozenset[str]:
        """The words that it knows."""
        return frozenset(self.numbers) - {*UNKNOWN, "<s>", "</s>"}

    def begin(self) -> int:
        """State after ``<s>``."""
        return int(self.table[self.numbers["<s>"]]["after"])

    def score(self, state: int, word: str) -> tuple[float, int]:
        """``ln p(word | state)`` and the state after it."""
        log10, after = look_up_from_python(self.table, state, self.number(word))
        return LN10 * log10, after

    def end(self, state: int) -> float:
        """``ln p(</s> | state)``."""
        return self.score(state, "</s>")[0]


def read_arpa(path: Path) -> ArpaLm | None:
    """Read a file; None if it is no ARPA file, or not one as ``lmplz`` writes it.

    KenLM then says what is wrong, or reads it. Needs numba.
    """
    from asr.lm.arpa_kernel import read_section

    found = _open(path)
    if found is None:
        return None
    data, counts, at = found
    first = counts[0] + 2  # the empty n-gram, the words, and <unk>
    table = np.zeros(first + 4 * sum(counts[1:]) // 3 + 1, NGRAM)
    if len(table) > MAX_ROWS:
        return None
    table[0]["key"], table[first - 1]["log10"] = first, UNKNOWN_LOG10
    by_hash = np.zeros(4 << counts[0].bit_length(), np.int64)
    spans = np.zeros(2 * counts[0], np.int64)
    for order, count in enumerate(counts, start=1):
        header = b"\\%d-grams:" % order
        if at < 0 or data[at : at + len(header)].tobytes() != header:
            return None
        at += len(header)
        at = read_section(data, at, order, count, by_hash, table, spans)
    if at < 0 or data[at : at + 5].tobytes() != b"\\end\\":
        return None
    link_states(table)
    ends = spans.tolist()
    spelled = [data[b:e].tobytes() for b, e in zip(ends[::2], ends[1::2], strict=True)]
    lm = ArpaLm(table, [word.decode("utf-8", "replace") for word in spelled])
    return lm if {"<s>", "</s>"} <= lm.numbers.keys() else None


def link_states(table: Table) -> None:
    """Let ``lower`` and ``after`` lead to states only.

    A state is an n-gram that others begin with or whose back-off is not 0.
    """
    state = (table["after"] == 1) | (table["backoff"] != 0)
    state[0] = True
    shorter = table["lower"].copy()
    lower = shorter.copy()
    while len(passed := np.flatnonzero(~state[lower])):
        lower[passed] = shorter[lower[passed]]
    table["lower"] = lower
    table["after"] = np.where(state, np.arange(len(table)), lower)


def _open(path: Path) -> tuple[NDArray[np.uint8], list[int], int] | None:
    """The file's bytes, how many n-grams it has, and where the 1-grams begin."""
    with open(path, "rb") as file:
        head = file.read(1 << 12)
    declared, mark, _ = head.partition(b"\\1-grams:")
    lines = declared.split()[:1]
    counts = [(int(n), int(count)) for n, count in COUNT.findall(declared)]
    if lines != [b"\\data\\"] or not mark or not counts or counts[0][1] == 0:
        return None
    if [n for n, _ in counts] != list(range(1, len(counts) + 1)):
        return None
    data = np.memmap(path, np.uint8, "c").view(np.ndarray)
    # The kernel does not look for the end: a line that begins so stops it.
    if (
        data[-64:].tobytes().rstrip(b" \t\r\n\f\v")[-6:] != b"\n\\end\\"
        or data[-1] != 10
    ):
        return None
    return data, [count for _, count in counts], len(declared)
