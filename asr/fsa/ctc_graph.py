"""H o L o G: the CTC topology put upon a token graph, made directly.

The topology (Graves et al., ICML 2006; as a transducer in Miao et al., "EESEN", ASRU
2015) remembers the last frame's token, so that a repeat without a blank between is the
same token. Each state of L o G becomes one state for "a blank was last" and one for
each token that leads into it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from asr.fsa.grammar import Floats, Indices, Ints
from asr.fsa.token_graph import TokenGraph, check_room, spread

BLANK = 0
FINAL = -1  # k2's label of arcs into the final state
CHUNK = 1 << 18  # states that are made at once
BYTES_OF_ARC = 20


@dataclass(frozen=True)
class CtcGraph:
    """A decoding graph in k2's layout.

    Attributes:
        arcs: (A, 4) int32, sorted by source: source, destination, token, and the bits
            of the float32 ln score. State 0 is the start, the last one the only final
            state; arcs into it have the label -1.
        words: (A,) int32 word ids; 0 for none, -1 into the final state.
    """

    arcs: Ints
    words: Ints

    @property
    def num_states(self) -> int:
        return int(self.arcs[:, 1].max()) + 1

    def __str__(self) -> str:
        return f"{self.num_states} states, {len(self.arcs)} arcs"


class _States:
    """The states of H o L o G.

    Attributes:
        owner: (S,) state of L o G.
        last: (S,) token of the last frame, BLANK for the first state of each owner.
        base: (Q,) first state of each owner.
        dst: (A,) the state that each arc of L o G leads into.
    """

    def __init__(self, graph: TokenGraph) -> None:
        roots, token = len(graph.final), graph.arcs.token
        into_root = graph.arcs.dst < roots  # words of many last tokens end in these
        vocab = int(token.max(initial=0)) + 1
        key = graph.arcs.dst[into_root].astype(np.int64) * vocab + token[into_root]
        keys = np.unique(key)
        entrances = np.ones(graph.num_states, np.int32)
        entrances[:roots] = np.bincount(keys // vocab, minlength=roots)
        self.base = np.cumsum(1 + entrances, dtype=np.int64) - 1 - entrances
        self.owner = np.repeat(
            np.arange(graph.num_states, dtype=np.int32), 1 + entrances
        )
        dst = self.base[graph.arcs.dst] + 1
        first_key = np.searchsorted(keys // vocab, np.arange(roots))
        dst[into_root] += np.searchsorted(keys, key) - first_key[key // vocab]
        self.dst = dst.astype(np.int32)
        self.last = np.full(len(self.owner), BLANK, np.int32)
        self.last[self.dst] = token


def build_ctc_graph(graph: TokenGraph) -> CtcGraph:
    """Build H o L o G of ``build_token_graph``'s graph.

    Raises:
        RecipeError: it would not fit into the memory that is free.
    """
    states = _States(graph)
    # A few arcs more than there are: repeats that need a blank are counted.
    leaving = np.bincount(graph.arcs.src, minlength=graph.num_states)
    leaving[: len(graph.final)] += graph.final > -np.inf
    loops = len(states.owner) + int((states.last != BLANK).sum())
    bound = int(leaving[states.owner].sum()) + loops
    check_room(bound * BYTES_OF_ARC, f"HLG of {bound} arcs")
    arcs, words = np.empty((bound, 4), np.int32), np.empty(bound, np.int32)
    filled = 0
    for part, part_words in _chunks(graph, states):
        end = filled + len(part)
        arcs[filled:end], words[filled:end] = part, part_words
        filled = end
    return CtcGraph(arcs[:filled], words[:filled])


def _chunks(graph: TokenGraph, states: _States) -> Iterator[tuple[Ints, Ints]]:
    """Make arcs and their words, state by state."""
    token, final_state = graph.arcs.token, len(states.owner)
    begins = np.searchsorted(graph.arcs.src, np.arange(graph.num_states + 1))
    for first in range(0, final_state, CHUNK):
        state = np.arange(first, min(first + CHUNK, final_state))
        owner, last = states.owner[state], states.last[state]
        entered = state[last != BLANK]
        roots = np.flatnonzero(owner < len(graph.final))
        ends = roots[graph.final[owner[roots]] > -np.inf]
        # The token again, then a blank; on into the words; or the end.
        loops = _rows(state, state, last)
        blanks = _rows(entered, states.base[states.owner[entered]], BLANK)
        from_, at = spread(begins[owner + 1] - begins[owner])
        at += begins[owner[from_]]
        new = token[at] != last[from_]  # the same again needs a blank between
        from_, at = from_[new], at[new]
        on = _rows(state[from_], states.dst[at], token[at], graph.arcs.score[at])
        final_score = graph.final[owner[ends]].astype(np.float32)
        finals = _rows(state[ends], final_state, FINAL, final_score)
        arcs = np.concatenate([loops, blanks, on, finals])
        words = np.zeros(len(arcs), np.int32)
        words[len(loops) + len(blanks) :][: len(at)] = graph.arcs.word[at]
        words[len(arcs) - len(finals) :] = -1
        order = np.argsort(arcs[:, 0], kind="stable")
        yield arcs[order], words[order]


def _rows(
    src: Indices,
    dst: Indices | Ints | int,
    token: Ints | int,
    score: Floats | float = 0.0,
) -> Ints:
    rows = np.empty((len(src), 4), np.int32)
    rows[:, 0], rows[:, 1], rows[:, 2] = src, dst, token
    rows[:, 3] = np.broadcast_to(np.float32(score), len(src)).view(np.int32)
    return rows
