"""Backing off without epsilon arcs.

Two ways lead round an arc from a history to the one that it backs off to. What leads into
the history also leads on, with the back-off paid: a few more arcs there, and one more
state for the search to keep. Or what leaves the lower history also leaves the higher one:
nothing more to search, but a copy of that tree's first arcs in each history. Copies are
made where these are few, as with characters, where all words begin alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.fsa.grammar import START, Floats, Grammar, Ints

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class WordArcs:
    """Arcs as columns."""

    src: Ints
    dst: Ints
    token: Ints
    word: Ints
    score: Floats


def pay_backoffs(
    grammar: Grammar,
    inner: Sequence[WordArcs],
    ends: Sequence[WordArcs],
    max_copied: int,
) -> tuple[list[WordArcs], Floats]:
    """Arcs that back off without epsilons, and each state's final score with it.

    Args:
        grammar: its states are the first ones of the graph.
        inner: arcs that lead into other states than G's.
        ends: arcs that lead into G's.
        max_copied: histories that so many arcs leave, or fewer, are copied. The start
            is entered by no arc: what it backs off to is always copied.
    """
    copied = _choose_copied(grammar, [*inner, *ends], max_copied)
    parts = list(inner)
    for arcs in ends:
        parts += _lead_on(grammar, arcs, copied)
    final = grammar.final.copy()
    for state, lower, paid in _lower_states(grammar, copied):
        final[state] = np.maximum(final[state], paid + final[lower])
    return parts + _copy(grammar, parts, copied), final


def _choose_copied(
    grammar: Grammar, arcs: Sequence[WordArcs], max_copied: int
) -> Flags:
    """The states that get copies of what leaves the state they back off to."""
    leaving = np.zeros(grammar.num_states, np.int64)
    for part in arcs:
        roots = part.src[part.src < grammar.num_states]
        leaving += np.bincount(roots, minlength=grammar.num_states)
    backs_off = grammar.backoff >= 0
    lower = np.where(backs_off, grammar.backoff, 0)
    total, copied = leaving, np.zeros(grammar.num_states, bool)
    while True:
        chosen = backs_off & (total[lower] <= max_copied)
        chosen[START] = True
        if (chosen == copied).all():
            return copied
        copied, total = chosen, leaving + np.where(chosen, total[lower], 0)


def _lead_on(grammar: Grammar, arcs: WordArcs, copied: Flags) -> list[WordArcs]:
    """Arcs into states, and on into those lower ones that are not copied."""
    parts = [arcs]
    at, score, row = arcs.dst, arcs.score, np.arange(len(arcs.dst))
    while len(row):
        lower = grammar.backoff[at]
        more = lower >= 0
        score = (score + grammar.backoff_score[at])[more]
        enters = ~copied[at][more]
        at, row = lower[more], row[more]
        to = row[enters]
        columns = arcs.src[to], at[enters], arcs.token[to], arcs.word[to], score[enters]
        parts.append(WordArcs(*columns))
    return parts


def _lower_states(grammar: Grammar, copied: Flags) -> list[tuple[Ints, Ints, Floats]]:
    """States, a state that each has copies of, and what backing off to it costs."""
    found = []
    state = np.flatnonzero(copied).astype(np.int32)
    at, paid = state, np.zeros(len(state))
    while len(state):
        paid = paid + grammar.backoff_score[at]
        at = grammar.backoff[at]
        found.append((state, at, paid))
        more = copied[at]
        state, at, paid = state[more], at[more], paid[more]
    return found


def _copy(grammar: Grammar, parts: Sequence[WordArcs], copied: Flags) -> list[WordArcs]:
    """Of the arcs that leave a state, copies for those that back off to it."""
    copies = []
    for arcs in parts:
        leave = np.flatnonzero(arcs.src < grammar.num_states)
        leave = leave[np.argsort(arcs.src[leave], kind="stable")]
        begins = np.searchsorted(arcs.src[leave], np.arange(grammar.num_states + 1))
        for state, lower, paid in _lower_states(grammar, copied):
            count = begins[lower + 1] - begins[lower]
            owner = np.repeat(np.arange(len(state)), count)
            at = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
            at = leave[at + begins[lower[owner]]]
            score = arcs.score[at] + paid[owner]
            columns = arcs.dst[at], arcs.token[at], arcs.word[at], score
            copies.append(WordArcs(state[owner], *columns))
    return copies
