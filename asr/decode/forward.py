"""The sum over all paths of CTC through some states."""

import numpy as np
from numpy.typing import NDArray

from asr.jit import compiled

Ints = NDArray[np.int64]
TINY = 1e-200  # of the best state's probability; below are numbers that are slow


@compiled
def forward(
    probs: NDArray[np.float64], token: Ints, first: Ints, before: Ints, final: Ints
) -> float:
    """ln of the sum over all paths; -inf if there is none.

    Scaled in each frame (Rabiner, "A tutorial on hidden Markov models", 1989).
    """
    alpha = np.zeros(len(token))
    alpha[0] = 1.0
    total = 0.0
    for t in range(len(probs)):
        most = 0.0
        for s in range(len(token) - 1, -1, -1):  # downwards: what is below is still old
            value = alpha[s]
            for k in range(first[s], first[s + 1]):
                value += alpha[before[k]]
            value *= probs[t, token[s]]
            alpha[s] = value
            most = max(most, value)
        if most == 0.0:
            return -np.inf
        for s in range(len(token)):
            alpha[s] = alpha[s] / most if alpha[s] > TINY * most else 0.0
        total += np.log(most)
    ended = 0.0
    for s in final:
        ended += alpha[s]
    return total + np.log(ended) if ended > 0.0 else -np.inf
