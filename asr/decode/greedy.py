"""Greedy CTC decoding: the best token of every frame."""

from collections.abc import Sequence

import numpy as np

from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import LogProbs, check_log_probs
from asr.text.tokenizer import BLANK_ID, join_pieces


def greedy_search(
    log_probs: LogProbs, tokens: Sequence[str], separator: str = ""
) -> Hypothesis:
    """Best path of Graves et al. (ICML 2006), repeats and blanks taken out.

    Args:
        log_probs: ``(T, V)``, natural log.
        tokens: the V tokens, blank at 0.
        separator: between the tokens of a text.

    The score is that of the single best path, not of all paths with its tokens.
    """
    check_log_probs(log_probs, len(tokens))
    best = log_probs.argmax(axis=1)
    new = np.ones(len(best), dtype=bool)
    new[1:] = best[1:] != best[:-1]  # a repeat without a blank between is one token
    ids = tuple(int(i) for i in best[new & (best != BLANK_ID)])
    score = float(log_probs.max(axis=1).sum())
    text = join_pieces((tokens[i] for i in ids), separator)
    return Hypothesis(text, ids, score, score, 0.0)
