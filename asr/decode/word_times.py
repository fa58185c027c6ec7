"""Times and confidences of a hypothesis's words, from its best alignment.

The best path of CTC (Graves et al., ICML 2006) through the given tokens says which
frames belong to which token. A word lasts from the first frame of its first letters to
the last frame of its last ones; CTC models tend to emit a token in one or two frames,
so that words come out short, with the blanks between them left over.

A token's confidence is its largest posterior among its frames, a word's is the least of
its tokens' (on AN4's test set this told right words from wrong ones better than means
and products did, see docs/decoders.md).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asr.decode.hypothesis import Word
from asr.decode.log_probs import LogProbs
from asr.decode.vocabulary import Vocabulary


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
    frames = align(log_probs, ids, vocabulary.blank)
    if frames is None:
        return ()
    spoken = np.exp(np.minimum(log_probs.astype(np.float64), 0.0))
    words: list[Word] = []
    begun = True
    for place, token in enumerate(ids):
        begun = begun or vocabulary.starts_word[token]
        if not vocabulary.pieces[token]:
            continue
        first, last = frames[place]
        confidence = float(spoken[first : last + 1, token].max())
        start, end = first * frame_shift, (last + 1) * frame_shift
        word = Word(vocabulary.pieces[token], start, end, confidence)
        if begun:
            words.append(word)
        else:
            before = words.pop()
            confidence = min(before.confidence, confidence)
            words.append(Word(before.text + word.text, before.start, end, confidence))
        begun = False
    return tuple(words)


def align(
    log_probs: LogProbs, ids: Sequence[int], blank: int
) -> NDArray[np.int64] | None:
    """First and last frame of every token on the best path, ``(len(ids), 2)``.

    Viterbi over blank, token 1, blank, token 2, ..., blank; a blank may be left out
    between two tokens that differ. Of equal paths the one that waits longest is taken.
    None if there is no path.
    """
    states = np.full(2 * len(ids) + 1, blank)
    states[1::2] = ids
    may_skip = np.zeros(len(states), dtype=bool)
    may_skip[3::2] = states[3::2] != states[1:-2:2]
    score = np.full(len(states) + 2, -np.inf)  # two dead states before the first
    score[2] = 0.0
    came = np.zeros((len(log_probs), len(states)), dtype=np.int8)
    skip_cost = np.where(may_skip, 0.0, -np.inf)
    for t, row in enumerate(log_probs.astype(np.float64)[:, states]):
        ways = np.stack([score[2:], score[1:-1], score[:-2] + skip_cost])
        if t == 0:
            ways[1, 1] = 0.0 if len(ids) else -np.inf
        came[t] = ways.argmax(axis=0)
        score[2:] = ways.max(axis=0) + row
    state = len(states) - 1
    if len(ids) and score[1 + state] >= score[2 + state]:
        state -= 1
    if score[2 + state] == -np.inf:
        return None
    frames = np.zeros((len(ids), 2), dtype=np.int64)
    path = np.zeros(len(log_probs), dtype=np.int64)
    for t in range(len(log_probs) - 1, -1, -1):
        path[t] = state
        state -= int(came[t, state])
    for place in range(len(ids)):
        at = np.flatnonzero(path == 2 * place + 1)
        frames[place] = at[0], at[-1]
    return frames
