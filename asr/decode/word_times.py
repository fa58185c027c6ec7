"""Times and confidences of a hypothesis's words, from its best alignment.

The best path of CTC (Graves et al., ICML 2006) through the given tokens says which
frames belong to which token. A word lasts from the first frame of its first letters to
the last frame of its last ones; CTC models tend to emit a token in one or two frames,
so that words come out short, with the blanks between them left over.

A token's confidence is its largest posterior among its frames, a word's is the mean over
its tokens. See docs/decoders.md for how well that tells right words from wrong ones.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from asr.decode.hypothesis import Hypothesis, Word
from asr.decode.log_probs import LogProbs
from asr.decode.vocabulary import Vocabulary

Lexicon = Mapping[str, Sequence[int]]  # token ids of each word


def add_words(
    hyps: Sequence[Hypothesis],
    log_probs: LogProbs,
    vocabulary: Vocabulary,
    frame_shift: float,
    lexicon: Lexicon | None = None,
) -> list[Hypothesis]:
    """Fill ``words`` of the hypotheses that have none.

    Args:
        hyps: of one utterance.
        log_probs: ``(T, V)``, natural log, normalised.
        vocabulary: what the V tokens mean.
        frame_shift: seconds between two rows.
        lexicon: spellings, for hypotheses that have a text but no tokens.

    A hypothesis that cannot be aligned keeps no words.
    """
    found = list(hyps)
    for i, hyp in enumerate(hyps):
        if hyp.text and not hyp.words and (ids := spelling(hyp, lexicon)):
            words = time_words(log_probs, ids, vocabulary, frame_shift)
            found[i] = replace(hyp, words=words)
    return found


def spelling(hyp: Hypothesis, lexicon: Lexicon | None) -> tuple[int, ...]:
    """Token ids of a hypothesis: its own, else its words'; none if one is unknown."""
    words = hyp.text.split()
    if hyp.tokens or lexicon is None or not all(word in lexicon for word in words):
        return hyp.tokens
    return tuple(i for word in words for i in lexicon[word])


def time_words(
    log_probs: LogProbs, ids: Sequence[int], vocabulary: Vocabulary, frame_shift: float
) -> tuple[Word, ...]:
    """Words of a token sequence with times and confidences.

    Args:
        log_probs: ``(T, V)``, natural log.
        ids: the tokens, without blanks.
        vocabulary: what they mean.
        frame_shift: seconds from one row of ``log_probs`` to the next.

    No words if the tokens are impossible (too few frames, or -inf).
    """
    from asr.decode.viterbi import best_path  # numba takes time to load

    frames, total = best_path(log_probs, np.array(ids, np.int64), vocabulary.blank)
    if total == -np.inf:
        return ()
    words: list[list[int]] = []  # of each word the places of its tokens
    begun = True
    for place, token in enumerate(ids):
        begun = begun or vocabulary.starts_word[token]
        if not vocabulary.pieces[token]:
            continue
        if begun:
            words.append([])
        words[-1].append(place)
        begun = False
    peaks = [
        float(log_probs[first : last + 1, token].max())
        for (first, last), token in zip(frames.tolist(), ids, strict=True)
    ]
    return tuple(
        Word(
            "".join(vocabulary.pieces[ids[place]] for place in places),
            round(float(frames[places[0], 0]) * frame_shift, 6),
            round(float(frames[places[-1], 1] + 1) * frame_shift, 6),
            min(1.0, sum(math.exp(min(0.0, peaks[p])) for p in places) / len(places)),
        )
        for places in words
    )
