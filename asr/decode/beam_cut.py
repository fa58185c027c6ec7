"""Compiled parts of the beam search: sums of probabilities, and the beam's size."""

import math

import numpy as np

from asr.decode.beam_arrays import Records
from asr.jit import inner

INF = np.inf


@inner
def log_add(a: float, b: float) -> float:
    """``ln(exp(a) + exp(b))``."""
    if a < b:
        a, b = b, a
    return a if b == -INF else a + math.log1p(math.exp(b - a))


@inner
def cut(found: Records, count: int, keep: int) -> float:
    """Keep the best ``keep`` candidates, ties by their order; return the least score.

    Hoare's selection, "Algorithm 65: find", CACM 1961, then one pass in order.
    """
    for k in range(count):
        found[k]["scratch"] = found[k]["score"]
    low, high = 0, count - 1
    while low < high:
        pivot = found[(low + high) // 2]["scratch"]
        i, j = low, high
        while i <= j:
            while found[i]["scratch"] > pivot:
                i += 1
            while found[j]["scratch"] < pivot:
                j -= 1
            if i <= j:
                one, other = found[i], found[j]
                value = one["scratch"]
                one["scratch"] = other["scratch"]
                other["scratch"] = value
                i += 1
                j -= 1
        if keep - 1 <= j:
            high = j
        elif keep - 1 >= i:
            low = i
        else:
            break
    least, ties, kept = found[keep - 1]["scratch"], keep, 0
    for k in range(count):
        ties -= found[k]["score"] > least
    for k in range(count):
        score = found[k]["score"]
        ties -= score == least
        if score > least or (score == least and ties >= 0):
            found[kept] = found[k]
            kept += 1
    return float(least)
