"""Which letters of a word are said as which phones, learned from whole words.

Each letter is said as no phone, one or two (``X`` as ``K S``). How likely each of these
pairs is, a graphone of Bisani and Ney, "Joint-sequence models for grapheme-to-phoneme
conversion", Speech Communication 2008, is estimated by expectation maximisation over
all alignments; every word then gets its likeliest one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.progress import LineTimer

MOST = 2  # phones of a letter
ROUNDS = 8  # of expectation maximisation

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Entry:
    """A word and its pronunciation.

    Attributes:
        letters: numbers of its letters, from 0.
        phones: numbers of its phones, from 1.
    """

    letters: tuple[int, ...]
    phones: tuple[int, ...]


@dataclass(frozen=True)
class _Group:
    """Entries of equal lengths, to be worked on together.

    Attributes:
        rows: (N,) their places in the whole list.
        codes: for 0, 1 and 2 phones the (N, L, P + 1 - n) codes of the pairs of each
            letter with the n phones from each place on.
    """

    rows: Ints
    codes: tuple[Ints, Ints, Ints]


def align(
    entries: Sequence[Entry], num_letters: int, num_phones: int
) -> list[list[int] | None]:
    """The code of each letter's graphone, for every entry.

    ``split_code`` says what a code means. None for an entry with more than ``MOST``
    phones a letter.
    """
    width = num_phones + 1
    groups = list(_groups(entries, width))
    weights = np.ones(num_letters * width * width)
    timer = LineTimer()
    for number in range(ROUNDS):
        counts = np.zeros_like(weights)
        for group in groups:
            _add_expected(group, weights, counts)
            if timer.due():
                print(
                    f"letters and phones of {len(entries)} pronunciations aligned: "
                    f"round {number + 1} of {ROUNDS}",
                    flush=True,
                )
        weights = counts / max(counts.sum(), 1.0)
    found: list[list[int] | None] = [None] * len(entries)
    for group in groups:
        for row, codes in zip(group.rows, _best(group, weights), strict=True):
            found[row] = codes.tolist()
    return found


def split_code(code: int, num_phones: int) -> tuple[int, tuple[int, ...]]:
    """The letter, and its phones."""
    letter, rest = divmod(code, (num_phones + 1) ** 2)
    return letter, tuple(p for p in divmod(rest, num_phones + 1) if p)


def _groups(entries: Sequence[Entry], width: int) -> Iterator[_Group]:
    shapes: dict[tuple[int, int], list[int]] = {}
    for row, entry in enumerate(entries):
        size = len(entry.letters), len(entry.phones)
        if size[0] and size[1] <= MOST * size[0]:
            shapes.setdefault(size, []).append(row)
    for _, rows in sorted(shapes.items()):
        letters = np.array([entries[row].letters for row in rows], np.int64)
        phones = np.array([entries[row].phones for row in rows], np.int64)
        base = (letters * width * width)[:, :, None]
        none = np.broadcast_to(base, (*letters.shape, phones.shape[1] + 1))
        one = base + (phones * width)[:, None, :]
        two = base + (phones[:, :-1] * width + phones[:, 1:])[:, None, :]
        yield _Group(np.array(rows), (none, one, two))


def _add_expected(group: _Group, weights: Floats, counts: Floats) -> None:
    """Add how often each pair is expected in the group's alignments."""
    moves = [weights[code] for code in group.codes]
    count, length, places = group.codes[0].shape
    ahead = np.zeros((length + 1, count, places))
    ahead[0, :, 0] = 1.0
    for i in range(length):
        for n, move in enumerate(moves):
            ahead[i + 1, :, n:] += ahead[i, :, : places - n] * move[:, i]
    behind = np.zeros((count, places))
    behind[:, -1] = 1.0
    total = ahead[length, :, -1:]
    share = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    for i in reversed(range(length)):
        before = np.zeros_like(behind)
        for n, (move, code) in enumerate(zip(moves, group.codes, strict=True)):
            rest = move[:, i] * behind[:, n:]
            before[:, : places - n] += rest
            expected = ahead[i, :, : places - n] * rest * share
            counts += np.bincount(
                code[:, i].ravel(), expected.ravel(), minlength=len(counts)
            )
        behind = before


def _best(group: _Group, weights: Floats) -> Ints:
    """(N, L) codes of the likeliest alignment of each entry."""
    with np.errstate(divide="ignore"):
        moves = [np.log(weights[code]) for code in group.codes]
    count, length, places = group.codes[0].shape
    score = np.full((count, places), -np.inf)
    score[:, 0] = 0.0
    taken = np.zeros((length, count, places), np.int64)
    for i in range(length):
        reached = np.full((len(moves), count, places), -np.inf)
        for n, move in enumerate(moves):
            reached[n, :, n:] = score[:, : places - n] + move[:, i]
        taken[i] = reached.argmax(axis=0)
        score = reached.max(axis=0)
    at, every = np.full(count, places - 1), np.arange(count)
    codes = np.zeros((count, length), np.int64)
    for i in reversed(range(length)):
        phones = taken[i, every, at]
        at = at - phones
        for n, code in enumerate(group.codes):
            rows = np.flatnonzero(phones == n)
            codes[rows, i] = code[rows, i, at[rows]]
    return codes
