"""A back-off n-gram in one array, which compiled code can ask.

Rows of the array are n-grams: row 0 the empty one, then the words by their numbers,
then, in a hash table, all longer ones. A row is also the state after its n-gram (Katz, "Estimation of
probabilities from sparse data", 1987, for backing off; states are made as short as the
model allows, as Heafield's KenLM does, WMT 2011). Scores are those of the file, log10
in single precision, so that they are KenLM's.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.jit import compiled, inner

Table = NDArray[np.void]

# key: history's row, last word. lower: the state with the first word left out, as far
# as that changes what may follow; after: the state after this n-gram. Of row 0, key is
# where the hash table begins.
NGRAM = np.dtype(
    [
        ("key", "i8"),
        ("log10", "f4"),
        ("backoff", "f4"),
        ("lower", "i4"),
        ("after", "i4"),
    ]
)
MIXER: Any = np.int64(-7046029254386353131)  # 2**64 over the golden ratio, odd


@inner
def slot(table: Table, key: int) -> int:
    """Row of an n-gram of two or more words, or the free one where it would be."""
    first = table[0]["key"]
    mixed = (key ^ (key >> 29)) * MIXER
    at = first + (((mixed >> 32) & 0xFFFFFFFF) * (len(table) - first) >> 32)
    while table[at]["key"] != key and table[at]["key"] != 0:
        at = at + 1 if at + 1 < len(table) else first
    return int(at)


@inner
def find(table: Table, history: int, word: int) -> int:
    """Row of a history's n-gram with one more word, or -1."""
    if history == 0:
        return word
    at = slot(table, history << 32 | word)
    return at if table[at]["key"] != 0 else -1


@inner
def look_up(table: Table, state: int, word: int) -> tuple[float, int]:
    """log10 p(word | state), and the state after it."""
    total, at = 0.0, find(table, state, word)
    while at < 0:
        total += table[state]["backoff"]
        state = table[state]["lower"]
        at = find(table, state, word)
    return total + table[at]["log10"], table[at]["after"]


@compiled
def look_up_from_python(table: Table, state: int, word: int) -> tuple[float, int]:
    """The same for Python: what is compiled into others is not callable from it."""
    return look_up(table, state, word)
