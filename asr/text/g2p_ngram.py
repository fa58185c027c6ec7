"""An n-gram over small integers in arrays, for grapheme-to-phoneme conversion.

Interpolated modified Kneser-Ney (Chen and Goodman, TR-10-98, section 4.1.6), as a tree:
a node is an n-gram, its children are the n-grams with one more unit behind. asr/lm has
n-grams of words; this one learns a million units, and scores many at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ROOT = 0
FALLBACK = (0.5, 1.0, 1.5)  # discounts where the counts give none


@dataclass(frozen=True)
class UnitNgram:
    """The tree: node 0 is the empty n-gram; a node's number is above its parent's.

    Attributes:
        num_units: V; unit 0 begins every sequence, unit 1 ends it.
        keys: (N,) ``parent * V + unit`` of the nodes 1 to N, ascending.
        suffix: (N + 1,) the node of the n-gram without its first unit.
        score: (N + 1,) ln probability of a node's last unit after the others.
        backoff: (N + 1,) ln factor of what no child says, as a history.
        state: (N + 1,) the longest end of the n-gram that something follows.
    """

    num_units: int
    keys: Ints
    suffix: Ints
    score: Floats
    backoff: Floats
    state: Ints

    @property
    def begin(self) -> int:
        """State at the beginning of a sequence."""
        return int(self.state[self._find(np.array([ROOT]), np.array([0]))[0]])

    def follow(self, states: Ints, units: Ints) -> tuple[Floats, Ints]:
        """ln probability of each unit in its state, and the state after it; (M,)."""
        at, total = states.copy(), np.zeros(len(states))
        node = self._find(at, units)
        while True:
            rows = np.flatnonzero((node == ROOT) & (at != ROOT))
            if not len(rows):
                break
            total[rows] += self.backoff[at[rows]]
            at[rows] = self.suffix[at[rows]]
            node[rows] = self._find(at[rows], units[rows])
        known = node != ROOT
        total[~known] = -np.inf
        total[known] += self.score[node[known]]
        return total, self.state[node]

    def _find(self, nodes: Ints, units: Ints) -> Ints:
        """Children of the nodes; ROOT where there is none."""
        wanted = nodes * self.num_units + units
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[place] == wanted, place + 1, ROOT)


def train_unit_ngram(
    sequences: Sequence[Sequence[int]], num_units: int, order: int
) -> UnitNgram:
    """Estimate from sequences of the units 2 to ``num_units - 1``."""
    lengths = np.array([len(sequence) + 2 for sequence in sequences])
    units = np.concatenate([np.array([0, *s, 1], np.int64) for s in sequences])
    place = np.arange(len(units)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    # Of each position the node of the n-gram that ends there, one shorter than wanted.
    node = np.full(len(units), ROOT)
    levels: list[_Level] = []
    first = 1
    for n in range(1, order + 1):
        rows = np.flatnonzero(place >= n - 1)
        keys, at, count = np.unique(
            node[rows - 1] * num_units + units[rows],
            return_inverse=True,
            return_counts=True,
        )
        suffix = np.zeros(len(keys), np.int64)
        suffix[at] = node[rows]
        levels.append(_Level(first, keys, suffix, count.astype(np.float64)))
        node = np.full(len(units), ROOT)
        node[rows] = first + at
        first += len(keys)
    return _estimate(levels, num_units)


@dataclass(frozen=True)
class _Level:
    """All n-grams of one length; ``first`` is the number of the first one's node."""

    first: int
    keys: Ints
    suffix: Ints
    count: Floats


def _estimate(levels: Sequence[_Level], num_units: int) -> UnitNgram:
    size = levels[-1].first + len(levels[-1].keys)
    prob, backoff = np.zeros(size), np.ones(size)
    prob[ROOT] = 1.0 / (num_units - 1)  # no n-gram of one unit: any but the first
    for n, level in enumerate(levels):
        longer = levels[n + 1] if n + 1 < len(levels) else None
        parent, unit = level.keys // num_units, level.keys % num_units
        count = _adjusted(level, longer, size, unit, n)
        discount = _discounts(count)[np.clip(count, 0, 3).astype(int)]
        total = np.bincount(parent, count, minlength=size)
        kept = np.bincount(parent, discount, minlength=size)
        history = np.flatnonzero(total)
        backoff[history] = kept[history] / total[history]
        nodes = level.first + np.arange(len(level.keys))
        own = (count - discount) / np.maximum(total[parent], 1.0)
        prob[nodes] = own + backoff[parent] * prob[level.suffix]
    keys = np.concatenate([level.keys for level in levels])
    suffix = np.concatenate([[ROOT], *(level.suffix for level in levels)])
    with np.errstate(divide="ignore"):
        # As the file has them, so that a model read from it says the same.
        scores = (np.log(column).astype(np.float32) for column in (prob, backoff))
        score, factor = (column.astype(np.float64) for column in scores)
    state = states_of(keys, suffix, num_units)
    return UnitNgram(num_units, keys, suffix, score, factor, state)


def states_of(keys: Ints, suffix: Ints, num_units: int) -> Ints:
    """Of each node the longest end of its n-gram that has children."""
    has_children = np.zeros(len(suffix), bool)
    has_children[keys // num_units] = True
    state = np.arange(len(suffix))
    while True:
        bare = np.flatnonzero(~has_children[state] & (state != ROOT))
        if not len(bare):
            return state
        state[bare] = suffix[state[bare]]


def _adjusted(
    level: _Level, longer: _Level | None, size: int, unit: Ints, n: int
) -> Floats:
    """Kneser-Ney counts: different units before an n-gram; plain ones of the longest.

    What begins a sequence has nothing before it and keeps its plain count, but the
    mark alone is never predicted.
    """
    if longer is None:
        return level.count
    before = np.bincount(longer.suffix, minlength=size)
    before = before[level.first : level.first + len(level.keys)].astype(np.float64)
    count = np.where(before > 0, before, level.count)
    if n == 0:
        count[unit == 0] = 0.0
    return count


def _discounts(counts: Floats) -> Floats:
    """What is taken from counts of 0, 1, 2, and 3 or more."""
    n1, n2, n3, n4 = (float((counts == n).sum()) for n in (1, 2, 3, 4))
    taken = FALLBACK
    if min(n1, n2, n3) > 0:
        y = n1 / (n1 + 2 * n2)
        found = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
        if all(0 <= d <= n for n, d in enumerate(found, start=1)):
            taken = found
    return np.array([0.0, *taken])
