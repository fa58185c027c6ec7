"""The edits that turn a reference into a hypothesis, of any length.

The columns of the distance matrix are kept as differences between neighbours, one bit
a row (Myers, "A fast bit-vector algorithm for approximate string matching based on
dynamic programming", JACM 1999, in the form of Hyyrö, 2003), so that Python's long
integers do a column in a dozen operations.

Several alignments can have the fewest edits. The one taken is Kaldi's (``compute-wer``):
going back from the end, an insertion where one is as good as anything, else a deletion,
else a substitution or a correct unit. kaldialign counts the same.
"""

from collections.abc import Hashable, Sequence

Units = Sequence[Hashable]  # words, or the characters of a string


def operations(ref: Units, hyp: Units) -> str:
    """C(orrect), S(ubstitution), I(nsertion) or D(eletion), from left to right.

    Time grows with ``len(hyp)`` times an integer of ``len(ref)`` bits, as does memory.
    """
    same = _common_prefix(ref, hyp)
    ref, hyp = ref[same:], hyp[same:]
    inserted, deleted = _matrix(ref, hyp)
    found: list[str] = []
    i, j = len(ref), len(hyp)
    bit = 1 << i >> 1  # of row i
    while i and j:
        if inserted[j - 1] & bit:
            found.append("I")
            j -= 1
        elif deleted[j - 1] & bit:
            found.append("D")
            i -= 1
            bit >>= 1
        else:
            i -= 1
            j -= 1
            bit >>= 1
            found.append("C" if ref[i] == hyp[j] else "S")
    return "C" * same + "I" * j + "D" * i + "".join(reversed(found))


def _matrix(ref: Units, hyp: Units) -> tuple[list[int], list[int]]:
    """For every column j, bits of the rows i that can be reached by one edit.

    Returns:
        The rows that are one more than their left neighbour, D(i, j) = D(i, j-1) + 1,
        where an insertion is a best way to come; and one more than the upper one.
    """
    rows: dict[Hashable, int] = {}
    bit = 1
    for unit in ref:
        rows[unit] = rows.get(unit, 0) | bit
        bit <<= 1
    everywhere = bit - 1
    up, down = everywhere, 0  # D(i, j) - D(i-1, j) is 1, is -1
    inserted, deleted = [], []
    for unit in hyp:
        equal = rows.get(unit, 0) | down
        diagonal = (((equal & up) + up) ^ up | equal) & everywhere  # D(i-1, j-1)
        right = down | (everywhere ^ (diagonal | up))
        above = right << 1 | 1
        up, down = (
            ((diagonal & up) << 1 | ~(diagonal | above)) & everywhere,
            above & diagonal,
        )
        inserted.append(right)
        deleted.append(up)
    return inserted, deleted


def _common_prefix(ref: Units, hyp: Units) -> int:
    """Units that are the same at the beginning; in all best alignments they match."""
    same, unknown = 0, min(len(ref), len(hyp))
    if ref[:unknown] == hyp[:unknown]:
        return unknown
    while unknown - same > 1:  # the first difference lies between the two
        middle = (same + unknown) // 2
        if ref[same:middle] == hyp[same:middle]:
            same = middle
        else:
            unknown = middle
    return same
