"""The whole acoustic probability of words with spellings, nothing pruned.

CTC's forward algorithm (Graves et al., ICML 2006) through all spellings of the words at
once. The beam search has lost what it pruned and what another prefix took the place of;
this gives its few last hypotheses what is theirs.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import LogProbs
from asr.decode.spelled_words import Lexicon

Ints = NDArray[np.int64]
AT_LEAST = 8  # hypotheses summed anew, so that a short list has the best of a long one


class Paths(NamedTuple):
    """States in an order in which none comes before those that lead to it.

    Attributes:
        token: (S,) of each state; state 0 is the blank before the first word.
        first: (S + 1,) other states lead to state s from
            ``before[first[s]:first[s + 1]]``.
        before: states.
        final: in these a path may end.
    """

    token: Ints
    first: Ints
    before: Ints
    final: Ints


def paths_of(words: Sequence[str], lexicon: Lexicon, blank: int) -> Paths:
    """All alignments of all spellings of some words."""
    tokens: list[int] = [blank]
    before: list[list[int]] = [[]]
    ends: list[int] = []
    gap = 0

    def add(token: int, came: list[int]) -> int:
        tokens.append(token)
        before.append([s for s in came if tokens[s] != token])
        return len(tokens) - 1

    for word in words:
        last = []
        for spelling in lexicon[word]:
            came = [*ends, gap]
            for token in spelling:
                state = add(token, came)
                came = [state, add(blank, [state])]
            tokens.pop()  # the spellings share the blank behind the word
            before.pop()
            last.append(state)
        ends, gap = last, add(blank, last)
    first = np.cumsum([0, *map(len, before)])
    joined = [s for came in before for s in came]
    return Paths(
        *(np.array(x, np.int64) for x in (tokens, first, joined, [*ends, gap]))
    )


def summed(
    hyps: Sequence[Hypothesis],
    nbest: int,
    log_probs: LogProbs,
    blank: int,
    lexicon: Lexicon,
) -> list[Hypothesis]:
    """The ``nbest`` best by their whole probabilities, among those that seem best."""
    from asr.decode.forward import forward  # numba takes time to load

    highest = log_probs.max(axis=1, keepdims=True, initial=-np.inf).astype(np.float64)
    if not np.isfinite(highest).all():
        return list(hyps[:nbest])
    probs, offset = np.exp(log_probs - highest), float(highest.sum())
    found = []
    for hyp in hyps[: max(nbest, AT_LEAST)]:
        paths = paths_of(hyp.text.split(), lexicon, blank)
        more = max(0.0, forward(probs, *paths) + offset - hyp.am_score)
        found.append(replace(hyp, score=hyp.score + more, am_score=hyp.am_score + more))
    return sorted(found, key=lambda hyp: (-hyp.score, hyp.tokens, hyp.text))[:nbest]
