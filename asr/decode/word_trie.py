"""Words as a tree of characters, in a few arrays that a compiled search can walk."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class WordTrie(NamedTuple):
    """N + 1 nodes, numbered level by level; node 0 is the empty word.

    Attributes:
        first: ``(N + 2,)`` int32; the children of node n are ``first[n]`` to
            ``first[n + 1] - 1``.
        symbol: ``(N + 1,)`` int32, code point of the character that leads to a node,
            in increasing order among the children of a node.
        whole: ``(N + 1,)`` int32, where a word ends its place in ``words``, from 1;
            0 inside words.
        words: sorted.
    """

    first: NDArray[np.int32]
    symbol: NDArray[np.int32]
    whole: NDArray[np.int32]
    words: list[str]


def build_trie(words: Collection[str]) -> WordTrie:
    """The tree of some words; empty ones are left out.

    In a sorted table of the words, one row each, a node of depth d begins wherever
    the first d characters change: a column at a time gives a level at a time.
    """
    listed = sorted({word for word in words if word})
    table = np.array(listed, dtype=np.str_)
    width = table.dtype.itemsize // 4
    codes = table.view(np.uint32).reshape(len(table), width).astype(np.int32)
    lengths = (codes > 0).sum(axis=1)
    changed = np.zeros(len(table), dtype=bool)
    changed[:1] = True
    parent = np.zeros(len(table), dtype=np.int64)
    parents, symbols, total = [np.zeros(1, np.int64)], [np.zeros(1, np.int32)], 1
    place = np.arange(1, len(table) + 1)
    whole = [np.zeros(1, np.int32)]
    for depth in range(width):
        changed[1:] |= codes[1:, depth] != codes[:-1, depth]
        alive = lengths > depth
        new = changed & alive
        at = np.cumsum(new)[alive] - 1
        count = int(new.sum())
        ends = np.zeros(count, np.int32)
        ends[at[lengths[alive] == depth + 1]] = place[lengths == depth + 1]
        parents.append(parent[new])
        symbols.append(codes[new, depth])
        whole.append(ends)
        parent[alive] = total + at
        total += count
    above = np.concatenate(parents)[1:]
    first = np.searchsorted(above, np.arange(total + 1)) + 1
    return WordTrie(
        first.astype(np.int32),
        np.concatenate(symbols).astype(np.int32),
        np.concatenate(whole),
        listed,
    )


def best_below(trie: WordTrie, best: NDArray[np.float64]) -> NDArray[np.float64]:
    """The best value of every node and of all nodes below it.

    Args:
        best: (N + 1,) of the nodes themselves; overwritten.
    """
    for begin, end in reversed(_levels(trie)):
        parents = begin + np.flatnonzero(np.diff(trie.first[begin : end + 1]))
        if len(parents):  # their children lie side by side, up to the level's last
            below = best[: trie.first[end]]
            most = np.maximum.reduceat(below, trie.first[parents])
            best[parents] = np.maximum(best[parents], most)
    return best


def _levels(trie: WordTrie) -> list[tuple[int, int]]:
    """First node of each level, the root's first, and the one after its last."""
    found, begin, end = [], 0, 1
    while begin < end:
        found.append((begin, end))
        begin, end = int(trie.first[begin]), int(trie.first[end])
    return found
