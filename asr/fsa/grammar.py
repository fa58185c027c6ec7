"""G: a back-off n-gram, read from an ARPA file into arrays of states and arcs.

States are the histories that some n-gram continues, much as in Kaldi's ``arpa2fst``:
a history that nothing continues is never entered, because its back-off is taken on
the way in.
"""

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.errors import RecipeError
from asr.fsa.lexicon import BACKOFF, EPSILON

Ints = NDArray[np.int32]
Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

LN10 = math.log(10.0)
START, EMPTY = 0, 1  # states: after <s>, and without any history


@dataclass(frozen=True)
class Grammar:
    """States S and arcs A of an n-gram; scores are ln.

    Attributes:
        src, dst, word, score: (A,) an arc for each n-gram of words.
        backoff: (S,) the state that a state backs off to, -1 for EMPTY.
        backoff_score: (S,) what that costs.
        final: (S,) ln probability of the sentence's end; -inf where only the state
            backed off to knows it.
    """

    src: Ints
    dst: Ints
    word: Ints
    score: Floats
    backoff: Ints
    backoff_score: Floats
    final: Floats

    @property
    def num_states(self) -> int:
        return len(self.final)

    def __str__(self) -> str:
        return f"{self.num_states} states, {len(self.src)} arcs and the back-off arcs"


class _Order(NamedTuple):
    """All n-grams of one length n, sorted by ``keys``."""

    ids: Ints  # (N, n)
    keys: Indices  # (N,) number of the n-gram without its last word, and that word
    prefix: Indices  # (N,) number of the n-gram without its last word
    score: Floats  # (N,)
    backoff: Floats  # (N,)


def read_grammar(arpa: Path, words: Mapping[str, int], max_order: int) -> Grammar:
    """Read G from an ARPA file.

    Args:
        words: id of every word, ``<s>`` and ``</s>`` included; n-grams with other
            words are left out, and such as have the names of epsilon or ``#0``.
        max_order: longer n-grams are left out too.

    Raises:
        RecipeError: the file is missing or damaged.
    """
    size = max(words.values()) + 1
    words = {word: id_ for word, id_ in words.items() if word not in (EPSILON, BACKOFF)}
    begin, end = words["<s>"], words["</s>"]
    orders: list[_Order] = []
    for ids, scores in _read_columns(arpa, words, max_order):
        inner = (ids[:, 1:] != begin).all(1) & (ids[:, :-1] != end).all(1)
        orders.append(_sort(arpa, ids[inner], scores[inner], orders, size))
    if not orders or not np.isin([begin, end], orders[0].ids).all():
        raise RecipeError(f"{arpa} lacks <s> or </s>: redo the lm stage (4)")
    return _connect(orders, size, begin, end)


def _read_columns(
    arpa: Path, words: Mapping[str, int], max_order: int
) -> Iterator[tuple[Ints, Floats]]:
    """Read each order n: its (N, n) word ids and (N, 2) scores and back-offs, ln.

    Work on whole columns follows, so that memory stays a small multiple of the n-grams.
    """
    damaged = "it is damaged; the recipe's own is made by the lm stage (4)"
    if not arpa.is_file():
        raise RecipeError(
            f"{arpa} is missing; the recipe's own n-gram is made by the lm stage (4)"
        )
    ids = {word.encode(): id_ for word, id_ in words.items()}
    with open(arpa, "rb") as file:
        lines = enumerate(file, start=1)
        header = next((line for _, line in lines if line.startswith(b"\\1-")), b"")
        for order in range(1, max_order + 1):
            if not header.startswith(b"\\%d-grams:" % order):
                break
            columns, scores, header = array("i"), array("d"), b""
            for number, line in lines:
                if line.startswith(b"\\"):
                    header = line
                    break
                fields = line.split()
                if not fields:
                    continue
                try:
                    if not order < len(fields) < order + 3:
                        raise ValueError
                    backoff = float(fields[-1]) if len(fields) == order + 2 else 0.0
                    pair = float(fields[0]), backoff
                    columns.extend([ids[word] for word in fields[1 : order + 1]])
                except ValueError:
                    raise RecipeError(
                        f"{arpa}, line {number}: not an n-gram of {order} words with "
                        f"its scores; {damaged}"
                    ) from None
                except KeyError:
                    continue  # <unk>, or a word that no tokens spell
                scores.extend(pair)
            if not header:
                raise RecipeError(f"{arpa} ends without \\end\\: {damaged}")
            table = np.frombuffer(columns, np.int32).reshape(-1, order)
            yield table, LN10 * np.frombuffer(scores, np.float64).reshape(-1, 2)


def _sort(
    arpa: Path, ids: Ints, scores: Floats, shorter: Sequence[_Order], size: int
) -> _Order:
    prefix = _find(shorter, ids[:, :-1], size)
    if (prefix < 0).any():
        row = int((prefix < 0).argmax())
        raise RecipeError(
            f"{arpa}: the {ids.shape[1]}-gram of words {ids[row].tolist()} (ids) has a "
            "history that is no n-gram itself; redo the lm stage (4)"
        )
    keys = prefix * size + ids[:, -1]
    by_key = np.argsort(keys, kind="stable")
    score, backoff = scores[by_key].T
    return _Order(ids[by_key], keys[by_key], prefix[by_key], score, backoff)


def _find(orders: Sequence[_Order], ids: Ints, size: int) -> Indices:
    """Find the numbers of n-grams ``ids`` (N, n) among those of their order, or -1."""
    if ids.shape[1] == 0:
        return np.zeros(len(ids), np.int64)
    prefix = _find(orders, ids[:, :-1], size)
    wanted = prefix * size + ids[:, -1]
    keys = orders[ids.shape[1] - 1].keys
    if len(keys) == 0:
        return np.full(len(ids), -1)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((keys[at] == wanted) & (prefix >= 0), at, -1)


def _connect(orders: Sequence[_Order], size: int, begin: int, end: int) -> Grammar:
    """Choose the states, then point n-grams and back-offs at them."""
    states = _number_states(orders, begin)
    num_states = 1 + max(int(numbers.max(initial=EMPTY)) for numbers in states)
    backoff = np.full(num_states, -1, np.int32)
    backoff_score, final = np.zeros(num_states), np.full(num_states, -np.inf)
    entered = [(states[0], np.zeros(1))]  # where an n-gram leads to, and at what cost
    arcs: list[tuple[Ints, Ints, Ints, Floats]] = []
    for n, order in enumerate(orders, start=1):
        lower, cost = _enter_suffix(orders, entered, order.ids[:, 1:], size)
        if n < len(orders):
            cost = cost + order.backoff
        is_state = states[n] >= 0
        backoff[states[n][is_state]] = lower[is_state]
        backoff_score[states[n][is_state]] = cost[is_state]
        dst = np.where(is_state, states[n], lower)
        paid = np.where(is_state, 0.0, cost)
        entered.append((dst, paid))
        src, word = states[n - 1][order.prefix], order.ids[:, -1]
        ends = word == end
        final[src[ends]] = order.score[ends]
        keep = ~ends & (word != begin)
        score = order.score + paid
        arcs.append((src[keep], dst[keep], word[keep], score[keep]))
    src, dst, word, score = (
        np.concatenate(column) for column in zip(*arcs, strict=True)
    )
    return Grammar(src, dst, word, score, backoff, backoff_score, final)


def _number_states(orders: Sequence[_Order], begin: int) -> list[Ints]:
    """Number the states of each order's n-grams, from order 0; -1 where it is none."""
    states = [np.array([EMPTY], np.int32)]
    count = 2
    for n, order in enumerate(orders, start=1):
        continued = np.zeros(len(order.ids), bool)
        if n < len(orders):
            continued[orders[n].prefix] = True
        start = (order.ids[:, 0] == begin) & (n == 1)
        continued &= ~start
        numbers = np.where(start, START, -1).astype(np.int32)
        numbers[continued] = np.arange(count, count + continued.sum())
        count += int(continued.sum())
        states.append(numbers)
    return states


def _enter_suffix(
    orders: Sequence[_Order],
    entered: Sequence[tuple[Ints, Floats]],
    ids: Ints,
    size: int,
) -> tuple[Ints, Floats]:
    """Find the state and cost of entering ``ids`` (N, n), or their longest known ends."""
    dst = np.full(len(ids), -1, np.int32)
    cost = np.zeros(len(ids))
    for skip in range(ids.shape[1] + 1):
        open_ = np.flatnonzero(dst < 0)
        found = _find(orders, ids[open_, skip:], size)
        known, found = open_[found >= 0], found[found >= 0]
        dst[known], cost[known] = (c[found] for c in entered[ids.shape[1] - skip])
    return dst, cost
