"""The best path of CTC through a token sequence."""

import numpy as np
from numpy.typing import NDArray

from asr.jit import compiled


@compiled
def best_path(
    log_probs: NDArray[np.float32], ids: NDArray[np.int64], blank: int
) -> tuple[NDArray[np.int64], float]:
    """First and last frame of every token, ``(len(ids), 2)``, and the path's ln prob.

    Viterbi over the states blank, token 1, blank, token 2, ..., blank; the blank
    between two tokens that differ may be left out. Of equal ways into a state, staying
    comes first, then the nearer state. With ln prob -inf there is no path.
    """
    size = 2 * len(ids) + 1
    score = np.full(size, -np.inf)
    came = np.zeros((len(log_probs), size), np.int8)
    score[0] = 0.0
    for t in range(len(log_probs)):
        for state in range(size - 1, -1, -1):  # downwards: what is below is still old
            token = blank if state % 2 == 0 else ids[state // 2]
            best = score[state]
            if state > 0 and score[state - 1] > best:
                best = score[state - 1]
                came[t, state] = 1
            skip = state % 2 == 1 and state > 1 and token != ids[state // 2 - 1]
            if skip and score[state - 2] > best:
                best = score[state - 2]
                came[t, state] = 2
            score[state] = best + log_probs[t, token]
    state = size - 1
    if size > 1 and score[size - 2] >= score[size - 1]:
        state = size - 2
    total = score[state]
    frames = np.full((len(ids), 2), -1)
    for t in range(len(log_probs) - 1, -1, -1):
        if state % 2 == 1:
            frames[state // 2, 0] = t
            if frames[state // 2, 1] < 0:
                frames[state // 2, 1] = t
        state -= came[t, state]
    return frames, total
