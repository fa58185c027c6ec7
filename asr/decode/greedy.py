"""Greedy CTC decoding: the best token of every frame."""

from collections.abc import Sequence

import numpy as np

from asr.decode.hypothesis import Hypothesis, Word
from asr.decode.log_probs import LogProbs, check_log_probs
from asr.decode.vocabulary import Vocabulary
from asr.decode.word_times import time_words
from asr.text.tokenizer import BLANK_ID, join_pieces


def greedy_search(
    log_probs: LogProbs, tokens: Sequence[str], frame_shift: float | None = None
) -> Hypothesis:
    """Best path of Graves et al. (ICML 2006), repeats and blanks taken out.

    Args:
        log_probs: ``(T, V)``, natural log.
        tokens: the V tokens, blank at 0.
        frame_shift: seconds between rows, if words are to get times and confidences.

    The score is that of the single best path, not of all paths with its tokens.
    """
    check_log_probs(log_probs, len(tokens))
    best = log_probs.argmax(axis=1)
    new = np.ones(len(best), dtype=bool)
    new[1:] = best[1:] != best[:-1]  # a repeat without a blank between is one token
    ids = tuple(int(i) for i in best[new & (best != BLANK_ID)])
    score = float(log_probs.max(axis=1).sum())
    text = join_pieces(tokens[i] for i in ids)
    words: tuple[Word, ...] = ()
    if frame_shift is not None:
        words = time_words(log_probs, ids, Vocabulary(tokens), frame_shift)
    return Hypothesis(text, ids, score, score, 0.0, words=words)
