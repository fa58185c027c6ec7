"""Edits of many pairs at once, compiled by numba.

The same as ``edits`` gives, cell by cell of the distance matrix. Loading numba takes
about a second, so it is worth it only where there is much to do, and is loaded only then.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Units = NDArray[np.uint32]
Kernel = Callable[[Units, Ints, Units, Ints], Any]

# A cell of the distance matrix is one number: its edits, how it was reached, and the
# insertions on the way to it. Of equal edits the smaller way wins.
ONE_EDIT: Any = np.int64(1 << 34)
DELETION, OTHER = (np.int64(way << 32) for way in (1, 2))
WAY: Any = np.int64(3 << 32)
INSERTIONS: Any = np.int64((1 << 32) - 1)
CORRECT, SUBSTITUTED, INSERTED, DELETED = np.frombuffer(b"CSID", dtype=np.uint8)


@cache
def compiled_kernel(kernel: Kernel) -> Kernel:
    """A function of this module, compiled; or as it is, where there is no numba."""
    from asr.jit import compiled

    return compiled(kernel)


def count_pairs(refs: Units, ref_ends: Ints, hyps: Units, hyp_ends: Ints) -> Ints:
    """Count the edits of N pairs, in memory for one row of a matrix.

    Args:
        refs, hyps: the units of all sequences, one after the other.
        ref_ends, hyp_ends: (N,) where each sequence ends in them.

    Returns:
        (N, 3): insertions, deletions, substitutions.
    """
    counts = np.zeros((len(ref_ends), 3), np.int64)
    row = np.zeros(1, np.int64)
    begin, other = np.int64(0), np.int64(0)
    for pair in range(len(ref_ends)):
        end, other_end = ref_ends[pair], hyp_ends[pair]
        while begin < end and other < other_end and refs[begin] == hyps[other]:
            begin += 1  # what both begin with is correct in all best alignments
            other += 1
        n, m = end - begin, other_end - other
        if len(row) <= m:
            row = np.zeros(2 * m + 1, np.int64)
        for j in range(m + 1):
            row[j] = j * (ONE_EDIT + 1)
        for i in range(n):
            unit, corner = refs[begin + i], row[0]
            left = row[0] + ONE_EDIT
            row[0] = left
            for j in range(1, m + 1):
                across = corner + OTHER
                if hyps[other + j - 1] != unit:
                    across += ONE_EDIT
                corner = row[j]
                best = min(across, corner + ONE_EDIT + DELETION, left + ONE_EDIT + 1)
                left = best & ~WAY
                row[j] = left
        ins = row[m] & INSERTIONS
        dels = ins + n - m
        counts[pair, 0] = ins
        counts[pair, 1] = dels
        counts[pair, 2] = row[m] // ONE_EDIT - ins - dels
        begin, other = end, other_end
    return counts


def align_pairs(
    refs: Units, ref_ends: Ints, hyps: Units, hyp_ends: Ints
) -> tuple[NDArray[np.uint8], Ints]:
    """Align N pairs, in memory for the largest matrix.

    Args:
        refs, ref_ends, hyps, hyp_ends: as in ``count_pairs``.

    Returns:
        The letters C, S, I, D of all alignments, and (N,) where each of them begins;
        pair k ends at ``ref_ends[k] + hyp_ends[k]``.
    """
    letters = np.zeros(len(refs) + len(hyps), np.uint8)
    begins = np.zeros(len(ref_ends), np.int64)
    row, ways = np.zeros(len(hyps) + 1, np.int64), np.zeros(1, np.uint8)
    begin, other = np.int64(0), np.int64(0)
    for pair in range(len(ref_ends)):
        end, other_end = ref_ends[pair], hyp_ends[pair]
        n, m = end - begin, other_end - other
        if len(ways) < n * m:
            ways = np.zeros(2 * n * m, np.uint8)
        row[: m + 1] = np.arange(m + 1)
        for i in range(n):
            unit, corner = refs[begin + i], row[0]
            row[0] = i + 1
            for j in range(m):
                wrong = hyps[other + j] != unit
                across, down, right = corner + wrong, row[j + 1] + 1, row[j] + 1
                corner = row[j + 1]
                best, way = right, INSERTED
                if down < best:
                    best, way = down, DELETED
                if across < best:
                    best, way = across, SUBSTITUTED if wrong else CORRECT
                row[j + 1] = best
                ways[i * m + j] = way
        i, j, at = n, m, end + other_end
        while i > 0 or j > 0:
            way = INSERTED if i == 0 else DELETED
            if i > 0 and j > 0:
                way = ways[(i - 1) * m + j - 1]
            at -= 1
            letters[at] = way
            if way != INSERTED:
                i -= 1
            if way != DELETED:
                j -= 1
        begins[pair] = at
        begin, other = end, other_end
    return letters, begins
