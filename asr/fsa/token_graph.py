"""L o G, determinized, made directly: a tree of the next words for each state of G.

Determinizing the composition of a lexicon with a back-off n-gram (Mohri, Pereira and
Riley, 2008) gives, for each history, the prefix tree of the words that continue it,
with the language model's scores pushed towards the root. Composing first needs a state
for each token of each n-gram and more memory than the result; here the words of a
history are sorted, and what neighbours have in common is shared, by whole columns.

Two things keep the graph small. A word that has become the only one of its tree goes on
in a chain of states that all histories share which it leads into. And there are no
epsilon arcs to the back-off, with which the CTC search could do nothing. Two ways lead
round an arc from a history to the one that it backs off to. What leads into the history
also leads on, with the back-off paid: a few more arcs there, and one more state for the
search to keep. Or what leaves the lower history also leaves the higher one: nothing
more to search, but a copy of that tree's first arcs in each history. Copies are made
where these are few, as with characters, where all words begin alike.
"""

import os
import re
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.errors import RecipeError
from asr.fsa.grammar import START, Floats, Grammar, Indices, Ints
from asr.fsa.lexicon import Lexicon, flat

MAX_COPIED = 8  # arcs, into a history of G; see above
BYTES_OF_NGRAM = 200  # measured; of every n-gram, while its trees are made


class Arcs(NamedTuple):
    """Arcs as columns (A,); word 0 is none, scores are ln."""

    src: Ints
    dst: Ints
    token: Ints
    word: Ints
    score: Floats

    def at(self, rows: NDArray[Any]) -> "Arcs":
        """Select some of them, by number or by flag."""
        return Arcs._make(column[rows] for column in self)


@dataclass(frozen=True)
class TokenGraph:
    """L o G.

    Attributes:
        arcs: sorted by source.
        final: (R,) ln score of ending in each of G's states, -inf for never. G's states
            are the first ones; state 0 is the start, which no arc enters.
        num_states: with those inside words.
    """

    arcs: Arcs
    final: Floats
    num_states: int

    def __str__(self) -> str:
        return f"{self.num_states} states, {len(self.arcs.src)} arcs"


class _Spellings(NamedTuple):
    """All spellings S, those of a word one after the other; word ids begin with 1."""

    tokens: Ints  # (S, L), padded with -1
    length: Ints  # (S,)
    rank: Ints  # (S,) place of each spelling in their order
    word: Ints  # (S,) whose it is
    first: Ints  # (W + 2,) word w has first[w] to first[w + 1] - 1


class _Words(NamedTuple):
    """G's arcs, one for each spelling, sorted by source and spelling.

    The tree's states on the way to word i lie at the depths 1 to ``shared[i]`` (its
    predecessor's too), then up to ``branch[i]`` (its own or its successor's too); from
    there on the word is alone.
    """

    src: Ints
    dst: Ints
    word: Ints
    spelling: Ints
    score: Floats
    shared: Ints
    branch: Ints


def build_token_graph(lexicon: Lexicon, grammar: Grammar) -> TokenGraph:
    """Build L o G without epsilons, for words that have the ids of ``word_table``.

    The best path of any sentence has exactly its score, however its words are spelled.

    Raises:
        RecipeError: it would not fit into the memory that is free.
    """
    table = _spellings(lexicon)
    size = int(np.diff(table.first)[grammar.word].sum())
    check_room(size * BYTES_OF_NGRAM, f"L o G of {size} n-grams")
    words = _sort_words(table, grammar)
    trees, leaf, leaf_score, count = _trees(table, words, grammar.num_states)
    along, out, entrance, count = _chains(table, words, grammar.num_states, count)
    inside = words.branch + 1 < table.length[words.spelling]
    leaves = Arcs(
        leaf,
        np.where(inside, entrance, words.dst),
        table.tokens[words.spelling, words.branch],
        np.where(inside, 0, words.word).astype(np.int32),
        leaf_score,
    )
    inner, ends = [trees, along, leaves.at(inside)], [out, leaves.at(~inside)]
    arcs, final = pay_backoffs(grammar, inner, ends, MAX_COPIED)
    return TokenGraph(arcs._replace(score=arcs.score.astype(np.float32)), final, count)


def _spellings(lexicon: Lexicon) -> _Spellings:
    spellings = [spelling for _, spelling in flat(lexicon)]
    length = np.array([len(spelling) for spelling in spellings], np.int32)
    tokens = np.full((len(length), int(length.max())), -1, np.int32)
    filled = np.arange(tokens.shape[1]) < length[:, None]
    tokens[filled] = [token for spelling in spellings for token in spelling]
    rank = np.empty(len(length), np.int32)
    rank[np.lexsort(tokens.T[::-1])] = np.arange(len(length))
    number = [0, *(len(some) for some in lexicon.values())]
    word = np.repeat(np.arange(len(number), dtype=np.int32), number)
    return _Spellings(
        tokens, length, rank, word, np.cumsum([0, *number], dtype=np.int32)
    )


def _sort_words(table: _Spellings, grammar: Grammar) -> _Words:
    arc, place = spread(np.diff(table.first)[grammar.word])
    spelling = (table.first[grammar.word[arc]] + place).astype(np.int32)
    order = np.lexsort((table.rank[spelling], grammar.src[arc]))
    arc, spelling = arc[order], spelling[order]
    src, length = grammar.src[arc], table.length[spelling]
    shared = np.zeros(len(arc), np.int32)
    same = np.flatnonzero(src[1:] == src[:-1]) + 1
    for depth in range(table.tokens.shape[1]):
        token = table.tokens[:, depth]
        equal = token[spelling[same]] == token[spelling[same - 1]]
        # A word's last arc leads into a history of its own: it is never shared.
        equal &= (length[same] > depth + 1) & (length[same - 1] > depth + 1)
        same = same[equal]
        shared[same] += 1
    branch = shared.copy()
    np.maximum(branch[:-1], shared[1:], out=branch[:-1])
    dst, word, score = (c[arc] for c in (grammar.dst, grammar.word, grammar.score))
    return _Words(src, dst, word, spelling, score, shared, branch)


def _trees(
    table: _Spellings, words: _Words, first_state: int
) -> tuple[Arcs, Ints, Floats, int]:
    """Make the states that several words share.

    Returns:
        Their arcs; for each word the state that it leaves the tree from, and the score
        that is left to pay then; and the number of states so far.
    """
    new = words.branch - words.shared
    base = first_state + np.cumsum(new, dtype=np.int64) - new
    owner, place = spread(new)
    count, depth = first_state + len(owner), words.shared[owner] + 1 + place
    anchor = words.src.astype(np.int64)  # the deepest state that an earlier word made
    for level in range(1, int(words.shared.max(initial=0)) + 1):
        makers = np.flatnonzero((words.shared < level) & (level <= words.branch))
        users = np.flatnonzero(words.shared == level)
        maker = makers[np.searchsorted(makers, users) - 1]
        anchor[users] = base[maker] + level - words.shared[maker] - 1
    leaf = np.where(new > 0, base + new - 1, anchor)
    states = np.arange(first_state, count)
    src = np.where(place == 0, anchor[owner], states - 1)
    best = np.full(count, -np.inf)  # of the words below
    np.maximum.at(best, leaf, words.score)
    for level in range(int(depth.max(initial=0)), 0, -1):
        at = np.flatnonzero(depth == level)
        np.maximum.at(best, src[at], best[states[at]])
    best[:first_state] = 0.0
    token = table.tokens[words.spelling[owner], depth - 1]
    src_dst = src.astype(np.int32), states.astype(np.int32)
    arcs = Arcs(*src_dst, token, np.zeros_like(token), best[states] - best[src])
    return arcs, leaf.astype(np.int32), words.score - best[leaf], count


def _chains(
    table: _Spellings, words: _Words, num_roots: int, first_state: int
) -> tuple[Arcs, Arcs, Ints, int]:
    """Make a chain for the rest of each (spelling, destination) of words that are alone.

    Returns:
        Arcs along the chains; arcs out of them into G's states; for each word the state
        that it enters its chain at; and the number of states so far.
    """
    key = words.spelling.astype(np.int64) * num_roots + words.dst
    pairs, pair = np.unique(key, return_inverse=True)
    spelling, dst = (column.astype(np.int32) for column in divmod(pairs, num_roots))
    length = table.length[spelling]
    first = length.copy()  # depth of the chain's first state
    np.minimum.at(first, pair, words.branch + 1)
    base = first_state + np.cumsum(length - first) - (length - first)
    owner, place = spread(length - first)
    depth, src = first[owner] + place, np.arange(len(owner), dtype=np.int32)
    src += np.int32(first_state)
    arcs = Arcs(
        src,
        src + np.int32(1),
        table.tokens[spelling[owner], depth],
        np.zeros_like(src),
        np.zeros(len(src)),
    )
    on = depth + 1 < length[owner]
    end = owner[~on]
    out = arcs.at(~on)._replace(dst=dst[end], word=table.word[spelling[end]])
    entrance = (base[pair] + words.branch + 1 - first[pair]).astype(np.int32)
    return arcs.at(on), out, entrance, first_state + len(owner)


def pay_backoffs(
    grammar: Grammar, inner: Sequence[Arcs], ends: Sequence[Arcs], max_copied: int
) -> tuple[Arcs, Floats]:
    """Add arcs that back off without epsilons.

    Args:
        grammar: its states are the first ones of the graph.
        inner: arcs that lead into other states than G's.
        ends: arcs that lead into G's.
        max_copied: histories that so many arcs leave, or fewer, are copied. The start
            is entered by no arc: what it backs off to is always copied.

    Returns:
        All arcs, sorted by source, and each of G's states' final score.
    """
    copied = _choose_copied(grammar, [*inner, *ends], max_copied)
    parts = [
        *inner,
        *(part for arcs in ends for part in _lead_on(grammar, arcs, copied)),
    ]
    lower_states = _lower_states(grammar, copied)
    final = grammar.final.copy()
    for state, lower, paid in lower_states:
        final[state] = np.maximum(final[state], paid + final[lower])
    for arcs in list(parts):  # copies of those that leave a lower state
        leave = np.flatnonzero(arcs.src < grammar.num_states)
        leave = leave[np.argsort(arcs.src[leave], kind="stable")]
        begins = np.searchsorted(arcs.src[leave], np.arange(grammar.num_states + 1))
        for state, lower, paid in lower_states:
            owner, place = spread(begins[lower + 1] - begins[lower])
            copies = arcs.at(leave[begins[lower[owner]] + place])
            score = copies.score + paid[owner]
            parts.append(copies._replace(src=state[owner], score=score))
    order = np.argsort(np.concatenate([part.src for part in parts]), kind="stable")
    columns = zip(*parts, strict=True)
    return Arcs._make(np.concatenate(column)[order] for column in columns), final


def _choose_copied(
    grammar: Grammar, arcs: Sequence[Arcs], max_copied: int
) -> NDArray[np.bool_]:
    """Choose the states that get copies of what leaves the state they back off to."""
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


def _lead_on(grammar: Grammar, arcs: Arcs, copied: NDArray[np.bool_]) -> list[Arcs]:
    """Let arcs into states also lead on into those lower ones that are not copied."""
    parts = [arcs]
    at, score, row = arcs.dst, arcs.score, np.arange(len(arcs.dst))
    while len(row):
        lower = grammar.backoff[at]
        more = lower >= 0
        score = (score + grammar.backoff_score[at])[more]
        enters = ~copied[at][more]
        at, row = lower[more], row[more]
        led = arcs.at(row[enters])._replace(dst=at[enters], score=score[enters])
        parts.append(led)
    return parts


def _lower_states(
    grammar: Grammar, copied: NDArray[np.bool_]
) -> list[tuple[Ints, Ints, Floats]]:
    """List states, a state that each has copies of, and what backing off to it costs."""
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


def spread(counts: NDArray[Any]) -> tuple[Indices, Indices]:
    """Number each of ``counts[i]`` copies of i: the i of each, and its place from 0."""
    owner = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, place


def check_room(needed: int, what: str) -> None:
    """Raise RecipeError if a step needs more memory than there is.

    Args:
        needed: bytes.
        what: the step and its size, for the message.
    """
    free = free_memory()
    if needed > free:
        raise RecipeError(
            f"{what} needs {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are "
            "free: set lm.graph_order=2, or prune more, as by lm.prune=[0,1,2]"
        )


def free_memory() -> int:
    """Count the bytes that this process can take: the machine's, or its own limit's."""
    page = os.sysconf("SC_PAGE_SIZE")
    meminfo, statm = Path("/proc/meminfo"), Path("/proc/self/statm")
    free = page * os.sysconf("SC_PHYS_PAGES")
    if meminfo.exists():
        found = re.search(r"^MemAvailable:\s*(\d+)", meminfo.read_text(), re.MULTILINE)
        free = int(found[1]) * 1024 if found else free
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        mapped = int(statm.read_text().split()[0]) * page if statm.exists() else 0
        free = min(free, limit - mapped)
    return max(free, 0)
