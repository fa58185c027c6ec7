"""L o G, determinized, made directly: a tree of the next words for each state of G.

Determinizing the composition of a lexicon with a back-off n-gram (Mohri, Pereira and
Riley, 2008) gives, for each history, the prefix tree of the words that continue it,
with the language model's scores pushed towards the root. Composing first needs a state
for each token of each n-gram and more memory than the result; here the words of a
history are sorted, and what neighbours have in common is shared, by whole columns.

Two things keep the graph small. A word that has become the only one of its tree goes on
in a chain of states that all histories share which it leads into. And instead of an
epsilon arc to the back-off, with which the CTC search could do nothing, there is what
asr/fsa/backoff.py says.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.fsa.backoff import WordArcs, pay_backoffs
from asr.fsa.grammar import Floats, Grammar, Ints
from asr.fsa.lexicon import Lexicon, flat
from asr.fsa.room import check_room

MAX_COPIED = 8  # arcs, into a history of G; see asr/fsa/backoff.py
BYTES_OF_NGRAM = 200  # measured; of every n-gram, while its trees are made


@dataclass(frozen=True)
class TokenGraph:
    """L o G: Q states, the first of which are G's, and arcs sorted by ``src``.

    Attributes:
        src, dst, token, word, score: (A,) arcs; word 0 is none; ln.
        final: (R,) ln score of ending in each of G's states, -inf for never.
        num_states: Q. State 0 is the start, which no arc enters.
    """

    src: Ints
    dst: Ints
    token: Ints
    word: Ints
    score: Floats
    final: Floats
    num_states: int

    def __str__(self) -> str:
        return f"{self.num_states} states, {len(self.src)} arcs"


@dataclass(frozen=True)
class SpellingTable:
    """Spellings as a table, those of a word one after the other; word ids begin with 1.

    Attributes:
        tokens: (S, L), padded with -1.
        length: (S,).
        rank: (S,) place of each spelling in their order.
        word: (S,) whose it is.
        first: (W + 2,) the spellings of word w are ``first[w]`` to ``first[w + 1] - 1``.
    """

    tokens: Ints
    length: Ints
    rank: Ints
    word: Ints
    first: Ints


def spelling_table(lexicon: Lexicon) -> SpellingTable:
    """The table of a lexicon whose words have the ids of ``word_table``."""
    spellings = [spelling for _, spelling in flat(lexicon)]
    length = np.array([len(spelling) for spelling in spellings], np.int32)
    tokens = np.full((len(length), int(length.max())), -1, np.int32)
    filled = np.arange(tokens.shape[1]) < length[:, None]
    tokens[filled] = [token for spelling in spellings for token in spelling]
    rank = np.empty(len(length), np.int32)
    rank[np.lexsort(tokens.T[::-1])] = np.arange(len(length))
    number = [0, *(len(some) for some in lexicon.values())]
    word = np.repeat(np.arange(len(number), dtype=np.int32), number)
    first = np.cumsum([0, *number], dtype=np.int32)
    return SpellingTable(tokens, length, rank, word, first)


@dataclass(frozen=True)
class _Words:
    """G's arcs, one for each spelling, sorted by source and spelling, and what
    neighbours have in common.

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


def build_token_graph(lexicon: SpellingTable, grammar: Grammar) -> TokenGraph:
    """L o G without epsilons; the best path of any sentence has exactly its score,
    however its words are spelled.

    Raises:
        RecipeError: it would not fit into the memory that is free.
    """
    size = int(np.diff(lexicon.first)[grammar.word].sum())
    check_room(size * BYTES_OF_NGRAM, f"L o G of {size} n-grams")
    words = _sort_words(lexicon, grammar)
    arcs, leaf_src, leaf_score, count = _trees(lexicon, words, grammar.num_states)
    token = lexicon.tokens[words.spelling, words.branch]
    chains = _Chains(lexicon, grammar, words, count)
    inside = words.branch + 1 < lexicon.length[words.spelling]
    along, out = chains.arcs()
    into_chains = WordArcs(
        leaf_src[inside],
        chains.entrance[inside],
        token[inside],
        np.zeros(inside.sum(), np.int32),
        leaf_score[inside],
    )
    ends = WordArcs(
        leaf_src[~inside],
        words.dst[~inside],
        token[~inside],
        words.word[~inside],
        leaf_score[~inside],
    )
    parts, final = pay_backoffs(
        grammar, [arcs, along, into_chains], [out, ends], MAX_COPIED
    )
    return _finish(parts, final, chains.num_states)


def _sort_words(lexicon: SpellingTable, grammar: Grammar) -> _Words:
    arc, spelling = _spelled(lexicon, grammar.word)
    order = np.lexsort((lexicon.rank[spelling], grammar.src[arc]))
    arc, spelling = arc[order], spelling[order]
    src, length = grammar.src[arc], lexicon.length[spelling]
    shared = np.zeros(len(arc), np.int32)
    same = np.flatnonzero(src[1:] == src[:-1]) + 1
    for depth in range(lexicon.tokens.shape[1]):
        ahead, behind = spelling[same], spelling[same - 1]
        equal = lexicon.tokens[ahead, depth] == lexicon.tokens[behind, depth]
        # A word's last arc leads into a history of its own: it is never shared.
        equal &= (length[same] > depth + 1) & (length[same - 1] > depth + 1)
        same = same[equal]
        shared[same] += 1
    branch = shared.copy()
    np.maximum(branch[:-1], shared[1:], out=branch[:-1])
    return _Words(
        src,
        grammar.dst[arc],
        grammar.word[arc],
        spelling,
        grammar.score[arc],
        shared,
        branch,
    )


def _spelled(lexicon: SpellingTable, word: Ints) -> tuple[Ints, Ints]:
    """For each spelling of each arc's word the arc, and the spelling."""
    count = np.diff(lexicon.first)[word]
    arc = np.repeat(np.arange(len(word), dtype=np.int32), count)
    place = np.arange(len(arc)) - np.repeat(np.cumsum(count) - count, count)
    return arc, (lexicon.first[word[arc]] + place).astype(np.int32)


def _trees(
    lexicon: SpellingTable, words: _Words, first_state: int
) -> tuple[WordArcs, Ints, Floats, int]:
    """The states that several words share.

    Returns:
        Their arcs; for each word the state that it leaves the tree from, and the score
        that is left to pay then; and the number of states so far.
    """
    new = words.branch - words.shared
    base = first_state + np.cumsum(new, dtype=np.int64) - new
    owner = np.repeat(np.arange(len(new)), new)
    count = first_state + len(owner)
    depth = (
        words.shared[owner] + 1 + np.arange(len(owner)) - (base[owner] - first_state)
    )
    anchor = _anchors(words, base)
    leaf = np.where(new > 0, base + new - 1, anchor)
    states = np.arange(first_state, count)
    src = np.where(depth == words.shared[owner] + 1, anchor[owner], states - 1)
    best = np.full(count, -np.inf)  # of the words below
    np.maximum.at(best, leaf, words.score)
    for level in range(int(depth.max(initial=0)), 0, -1):
        at = np.flatnonzero(depth == level)
        np.maximum.at(best, src[at], best[states[at]])
    best[:first_state] = 0.0
    token = lexicon.tokens[words.spelling[owner], depth - 1]
    arcs = WordArcs(
        src.astype(np.int32),
        states.astype(np.int32),
        token,
        np.zeros(len(token), np.int32),
        best[states] - best[src],
    )
    return arcs, leaf.astype(np.int32), words.score - best[leaf], count


def _anchors(words: _Words, base: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each word, the deepest state on its path that an earlier word has made."""
    anchor = words.src.astype(np.int64)
    for depth in range(1, int(words.shared.max(initial=0)) + 1):
        makers = np.flatnonzero((words.shared < depth) & (depth <= words.branch))
        users = np.flatnonzero(words.shared == depth)
        maker = makers[np.searchsorted(makers, users) - 1]
        anchor[users] = base[maker] + depth - words.shared[maker] - 1
    return anchor


class _Chains:
    """What is left of a word that is alone: one chain for each (spelling, destination).

    Attributes:
        entrance: for each word arc, the state that it enters its chain at.
        num_states: of the graph, these included.
    """

    def __init__(
        self, lexicon: SpellingTable, grammar: Grammar, words: _Words, first_state: int
    ) -> None:
        key = words.spelling.astype(np.int64) * grammar.num_states + words.dst
        pairs, pair = np.unique(key, return_inverse=True)
        self._lexicon, self._grammar = lexicon, grammar
        self._spelling = (pairs // grammar.num_states).astype(np.int32)
        self._dst = (pairs % grammar.num_states).astype(np.int32)
        self._length = lexicon.length[self._spelling]
        first = self._length.copy()  # depth of the chain's first state
        np.minimum.at(first, pair, words.branch + 1)
        self._first, self._count = first, self._length - first
        self._base = first_state + np.cumsum(self._count) - self._count
        self.num_states = first_state + int(self._count.sum())
        entrance = self._base[pair] + words.branch + 1 - first[pair]
        self.entrance = entrance.astype(np.int32)

    def arcs(self) -> tuple[WordArcs, WordArcs]:
        """Along the chains, and out of them into G's states."""
        owner = np.repeat(np.arange(len(self._count)), self._count)
        at = np.arange(len(owner)) + self._base[0] if len(owner) else owner
        depth = self._first[owner] + at - self._base[owner]
        token = self._lexicon.tokens[self._spelling[owner], depth]
        on = depth + 1 < self._length[owner]
        src, zeros = at.astype(np.int32), np.zeros(len(at), np.int32)
        along = WordArcs(src[on], src[on] + 1, token[on], zeros[on], np.zeros(on.sum()))
        out = owner[~on]
        free = np.zeros(len(out))
        word = self._lexicon.word[self._spelling[out]]
        ends = WordArcs(src[~on], self._dst[out], token[~on], word, free)
        return along, ends


def _finish(parts: list[WordArcs], final: Floats, num_states: int) -> TokenGraph:
    src = np.concatenate([part.src for part in parts])
    order = np.argsort(src, kind="stable")
    return TokenGraph(
        src[order],
        np.concatenate([part.dst for part in parts])[order],
        np.concatenate([part.token for part in parts])[order],
        np.concatenate([part.word for part in parts])[order],
        np.concatenate([part.score for part in parts])[order].astype(np.float32),
        final,
        num_states,
    )
