"""When each token of a known sequence was said: forced alignment with CTC.

Viterbi search of the path that spells the tokens (Graves et al., ICML 2006, with the
maximum in place of the sum): of the states blank, token 1, blank, token 2, ..., blank.
Several sequences of one utterance are aligned together, because n-best lists are.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asr.decode.log_probs import LogProbs
from asr.text.tokenizer import BLANK_ID

Spans = NDArray[np.int64]  # (N, 2): first frame and the frame after the last, a token


def align_tokens(
    log_probs: LogProbs, sequences: Sequence[Sequence[int]]
) -> list[Spans | None]:
    """Align token sequences with one utterance.

    Args:
        log_probs: ``(T, V)``, natural log, blank at 0.
        sequences: token ids without blanks, of any lengths.

    Returns:
        For each sequence the frames of its tokens, ``(N, 2)``, the second one
        exclusive; None where the frames are too few for it, or a token impossible.
    """
    lengths = np.array([len(ids) for ids in sequences], dtype=np.int64)
    states = _states(sequences, int(lengths.max(initial=0)))
    back, last = _search(log_probs, states)
    aligned: list[Spans | None] = []
    for path, length in zip(_trace(back, last, lengths), lengths, strict=True):
        aligned.append(None if path is None else _spans(path, int(length)))
    return aligned


def _states(sequences: Sequence[Sequence[int]], longest: int) -> NDArray[np.int64]:
    """(H, 2 * longest + 1): the token of each state, blanks between and after."""
    states = np.full((len(sequences), 2 * longest + 1), BLANK_ID, dtype=np.int64)
    for row, ids in zip(states, sequences, strict=True):
        row[1 : 2 * len(ids) : 2] = ids
    return states


def _search(
    log_probs: LogProbs, states: NDArray[np.int64]
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Steps taken into every state, (T, H, S) of 0, 1 or 2, and the last scores."""
    count, size = states.shape
    # A token may follow another one without a blank between, unless it is the same.
    may_skip = np.zeros(states.shape, dtype=bool)
    may_skip[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
    # Before the first frame stands a state that only the first two can follow.
    score = np.full((count, size + 2), -np.inf)
    score[:, 1] = 0.0
    back = np.zeros((len(log_probs), count, size), dtype=np.int8)
    options = np.empty((3, count, size))
    for t, row in enumerate(log_probs.astype(np.float64)):
        options[0] = score[:, 2:]
        options[1] = score[:, 1:-1]
        options[2] = np.where(may_skip, score[:, :-2], -np.inf)
        if t == 0:
            options[1, :, 1:2] = 0.0  # the first token at once
        back[t] = options.argmax(axis=0)
        score[:, 2:] = options.max(axis=0) + row[states]
        score[:, 1] = -np.inf
    return back, score[:, 2:]


def _trace(
    back: NDArray[np.int8], last: NDArray[np.float64], lengths: NDArray[np.int64]
) -> list[NDArray[np.int64] | None]:
    """The state in every frame of each sequence's best path, (T,)."""
    rows = np.arange(len(lengths))
    if not len(back):
        return [None if n else np.zeros(0, dtype=np.int64) for n in lengths]
    token, blank = last[rows, np.maximum(2 * lengths - 1, 0)], last[rows, 2 * lengths]
    state = 2 * lengths - ((token > blank) & (lengths > 0))
    possible = np.maximum(token, blank) > -np.inf
    paths = np.empty((len(back), len(lengths)), dtype=np.int64)
    for t in range(len(back) - 1, -1, -1):
        paths[t] = state
        state = state - back[t, rows, np.maximum(state, 0)]
    return [paths[:, i] if possible[i] else None for i in rows]


def _spans(path: NDArray[np.int64], length: int) -> Spans:
    """First and last-but-one frame of every token in a path of states."""
    wanted = 2 * np.arange(length) + 1  # states only go up, so a search finds them
    begins = np.searchsorted(path, wanted, side="left")
    ends = np.searchsorted(path, wanted, side="right")
    return np.stack([begins, ends], axis=1).astype(np.int64)
