"""Compiled parts of the beam search: prefixes with one future share it.

Two prefixes with the same LM state, the same unfinished word and the same last token
go on in the same ways at the same price, whatever was said before: the worse one cannot
overtake. So the beam keeps only the best, as a graph search does by itself (Ney,
"Dynamic programming parsing for speech understanding", 1991), and has room for others.
"""

from typing import Any

import numpy as np

from asr.decode.beam_arrays import Records
from asr.jit import inner
from asr.lm.arpa import MIXER

POSITIVE: Any = np.int64(0x7FFFFFFFFFFFFFFF)


@inner
def future(state: int, at: int, token: int) -> int:
    """Hash of an LM state, a place in the lexicon's tree and the last token."""
    mixed = (state ^ (at + 1) * MIXER) * MIXER
    mixed ^= mixed >> 29
    mixed = (mixed ^ (token + 1) * MIXER) * MIXER
    return int((mixed ^ mixed >> 32) & POSITIVE)


@inner
def recombine(found: Records, count: int, most: int) -> int:
    """Keep the best candidates of each future, ties by their order; return how many."""
    if count <= most:
        return count
    chain(found, count)
    for k in range(count):
        one, better = found[k], 0
        other = found[one["future"] % count]["head"]
        while other >= 0 and better < most:
            rival = found[other]
            if rival["future"] == one["future"]:
                ahead = rival["score"] > one["score"]
                better += ahead or (rival["score"] == one["score"] and other < k)
            other = rival["next"]
        one["scratch"] = better
    kept = 0
    for k in range(count):
        if found[k]["scratch"] < most:
            found[kept] = found[k]
            kept += 1
    return kept


@inner
def chain(found: Records, count: int) -> None:
    """A hash table of the candidates by future, in their own records."""
    for k in range(count):
        found[k]["head"] = -1
    for k in range(count):
        row = found[k]["future"] % count
        found[k]["next"] = found[row]["head"]
        found[row]["head"] = k
