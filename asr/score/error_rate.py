"""Alignments of references with hypotheses, and the error counts they give.

Several alignments can have the fewest edits. The one taken is that of Kaldi's
``compute-wer``: going back from the end, an insertion where one is as good as anything,
else a deletion, else a substitution or a correct unit. kaldialign takes the same, with
time and memory for all cells of the distance matrix; long sequences are aligned by bit
vectors, and the characters of large sets are counted by a compiled function.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import starmap
from typing import Any

import kaldialign
import numpy as np

GAP = "***"  # shown for no word, as in Kaldi's per_utt
LONG = 100_000  # cells of a distance matrix from which on bit vectors are faster
KEPT_BITS = 1 << 27  # of a matrix of bit vectors, kept at once: 16 MiB
COMPILED = 300_000_000  # cells of many matrices, worth loading numba for
Units = Sequence[str]  # words, or the characters of a string


@dataclass(frozen=True)
class ErrorRate:
    """Error counts, which only add up, so that a mean of error rates cannot happen."""

    ins: int
    dels: int
    subs: int
    length: int  # of the reference

    @classmethod
    def zero(cls) -> "ErrorRate":
        return cls(0, 0, 0, 0)

    @classmethod
    def total(cls, parts: Iterable["ErrorRate"]) -> "ErrorRate":
        rows = [(part.ins, part.dels, part.subs, part.length) for part in parts]
        return cls(*map(sum, zip(*rows, strict=True))) if rows else cls.zero()

    @property
    def errors(self) -> int:
        return self.ins + self.dels + self.subs

    @property
    def correct(self) -> int:
        return self.length - self.dels - self.subs

    @property
    def rate(self) -> float:
        """Errors per reference unit; it exceeds 1 where much is inserted.

        Without any reference unit it is 0 if nothing was recognised either, else 1:
        all that was recognised is wrong. In a sum with others such insertions count
        like any other.
        """
        if self.length == 0:
            return 1.0 if self.errors else 0.0
        return self.errors / self.length

    def __add__(self, other: "ErrorRate") -> "ErrorRate":
        return ErrorRate.total([self, other])


@dataclass(frozen=True)
class Alignment:
    """Pairs of a reference and a hypothesis unit; an empty one stands for none."""

    pairs: Sequence[tuple[str, str]]

    @cached_property
    def operations(self) -> str:
        """C(orrect), S(ubstitution), I(nsertion) or D(eletion) for every pair."""
        return "".join(starmap(operation, self.pairs))

    @property
    def counts(self) -> ErrorRate:
        return _count(self.operations)


def operation(ref: str, hyp: str) -> str:
    """Name the operation of one pair by its letter."""
    return "C" if ref == hyp else "I" if not ref else "S" if hyp else "D"


def align(ref: Units, hyp: Units) -> Alignment:
    """Align with the fewest edits, each of cost 1; no unit may be empty."""
    if ref == hyp:
        return Alignment(list(zip(ref, hyp, strict=True)))
    if len(ref) * len(hyp) < LONG:
        return Alignment(kaldialign.align(ref, hyp, ""))
    refs, hyps = iter(ref), iter(hyp)
    return Alignment(
        [
            ("" if kind == "I" else next(refs), "" if kind == "D" else next(hyps))
            for kind in _edits(ref, hyp)
        ]
    )


def count_errors(ref: Units, hyp: Units) -> ErrorRate:
    """Count the fewest edits that turn ``ref`` into ``hyp`` (Levenshtein distance)."""
    if len(ref) * len(hyp) >= LONG:
        return _count(_edits(ref, hyp))
    same = _common_prefix(ref, hyp)
    found = kaldialign.edit_distance(ref[same:], hyp[same:])
    return ErrorRate(found["ins"], found["del"], found["sub"], len(ref))


def oracle_errors(
    refs: Mapping[str, str], nbest: Mapping[str, Sequence[str]]
) -> ErrorRate:
    """Count the word errors of the hypothesis nearest to each transcript.

    A bound for rescoring. Every utterance of ``refs`` needs a text in ``nbest``.
    """
    return ErrorRate.total(
        min(
            (count_errors(ref.split(), text.split()) for text in nbest[id_]),
            key=lambda rate: rate.errors,
        )
        for id_, ref in refs.items()
    )


def _count(operations: str) -> ErrorRate:
    ins, dels, subs = (operations.count(kind) for kind in "IDS")
    return ErrorRate(ins, dels, subs, len(operations) - ins)


def _common_prefix(ref: Units, hyp: Units) -> int:
    """Units that both begin with; they match in every best alignment."""
    pairs = enumerate(zip(ref, hyp, strict=False))
    return next((i for i, (r, h) in pairs if r != h), min(len(ref), len(hyp)))


def _edits(ref: Units, hyp: Units) -> str:
    """Align by bit vectors, a column of the distance matrix at a time.

    Going back needs the columns from the end, of which only so many are kept; the ones
    before are computed again from a column remembered where they begin.
    """
    same = _common_prefix(ref, hyp)
    ref, hyp = ref[same:], hyp[same:]
    rows: dict[str, int] = {}
    for i, unit in enumerate(ref):
        rows[unit] = rows.get(unit, 0) | 1 << i
    everywhere = (1 << len(ref)) - 1
    width = max(1, KEPT_BITS // max(1, len(ref)))
    column, remembered = (0, everywhere, 0), []
    for begin in range(0, len(hyp), width):
        remembered.append((begin, column))
        if begin + width < len(hyp):
            *_, column = _columns(rows, hyp[begin : begin + width], everywhere, column)
    found: list[str] = []
    i, j = len(ref), len(hyp)
    for begin, column in reversed(remembered):
        kept = list(_columns(rows, hyp[begin:j], everywhere, column))
        while i and j > begin:
            inserted, deleted, _ = kept[j - begin - 1]
            if inserted >> i - 1 & 1:
                found.append("I")
                j -= 1
            elif deleted >> i - 1 & 1:
                found.append("D")
                i -= 1
            else:
                i, j = i - 1, j - 1
                found.append("C" if ref[i] == hyp[j] else "S")
    return "C" * same + "I" * j + "D" * i + "".join(reversed(found))


def _columns(
    rows: Mapping[str, int], hyp: Units, everywhere: int, column: tuple[int, int, int]
) -> Iterator[tuple[int, int, int]]:
    """Compute the columns after ``column``, a bit for every row i of the matrix D.

    Myers, "A fast bit-vector algorithm for approximate string matching based on dynamic
    programming", JACM 1999, in the form of Hyyrö, 2003.

    ``rows`` tells where each unit stands in the reference. Yields where D(i, j) is one
    more than D(i, j-1), so an insertion is a best way to come; where it is one more,
    and where one less than D(i-1, j).
    """
    _, up, down = column
    for unit in hyp:
        equal = rows.get(unit, 0) | down
        diagonal = (((equal & up) + up) ^ up | equal) & everywhere  # D(i-1, j-1)
        right = down | (everywhere ^ (diagonal | up))
        above = right << 1 | 1
        up, down = (
            ((diagonal & up) << 1 | ~(diagonal | above)) & everywhere,
            above & diagonal,
        )
        yield right, up, down


def count_characters(refs: Sequence[str], hyps: Sequence[str]) -> list[ErrorRate]:
    """Count the errors of each pair of texts by characters, as ``count_errors`` does."""
    cells = [len(ref) * len(hyp) for ref, hyp in zip(refs, hyps, strict=True)]
    if sum(cells) < COMPILED or max(cells, default=0) > 100 * LONG:
        return [count_errors(ref, hyp) for ref, hyp in zip(refs, hyps, strict=True)]
    from asr.jit import compiled

    flat: list[Any] = []
    for texts in refs, hyps:
        code = "".join(texts).encode("utf-32-le", "surrogatepass")
        flat.append(np.frombuffer(code, np.uint32))
        flat.append(np.cumsum([len(text) for text in texts], dtype=np.int64))
    counts = compiled(_count_pairs)(*flat).tolist()
    return [
        ErrorRate(ins, dels, subs, len(ref))
        for (ins, dels, subs), ref in zip(counts, refs, strict=True)
    ]


def _count_pairs(refs: Any, ref_ends: Any, hyps: Any, hyp_ends: Any) -> Any:
    """Count the insertions, deletions and substitutions of many pairs.

    A cell of the distance matrix is one number: its edits, how it was reached (by
    insertion 0, deletion 1, else 2), and the insertions on the way to it. The smallest
    is Kaldi's choice.
    """
    edit, way = np.int64(1 << 34), np.int64(1 << 32)
    counts = np.zeros((len(ref_ends), 3), np.int64)
    row = np.zeros(1, np.int64)
    begin, other = np.int64(0), np.int64(0)
    for pair in range(len(ref_ends)):
        end, other_end = ref_ends[pair], hyp_ends[pair]
        while begin < end and other < other_end and refs[begin] == hyps[other]:
            begin += 1
            other += 1
        n, m = end - begin, other_end - other
        if len(row) <= m:
            row = np.zeros(2 * m + 1, np.int64)
        for j in range(m + 1):
            row[j] = j * (edit + 1)
        for i in range(n):
            unit, corner = refs[begin + i], row[0]
            left = row[0] + edit
            row[0] = left
            for j in range(1, m + 1):
                across = corner + 2 * way
                if hyps[other + j - 1] != unit:
                    across += edit
                corner = row[j]
                best = min(across, corner + edit + way, left + edit + 1)
                left = best & ~(3 * way)
                row[j] = left
        ins = row[m] & (way - 1)
        dels = ins + n - m
        counts[pair, 0], counts[pair, 1] = ins, dels
        counts[pair, 2] = row[m] // edit - ins - dels
        begin, other = end, other_end
    return counts
