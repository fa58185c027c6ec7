"""Alignment of a reference with a hypothesis, word by word."""

from collections.abc import Sequence
from dataclasses import dataclass

import kaldialign

from asr.score.error_rate import ErrorRate

GAP = "***"  # shown for no word, as in Kaldi's per_utt


@dataclass(frozen=True)
class Alignment:
    """Pairs (reference word, hypothesis word); None on a side stands for no word."""

    pairs: tuple[tuple[str | None, str | None], ...]

    @property
    def operations(self) -> str:
        """C(orrect), S(ubstitution), I(nsertion) or D(eletion) for every pair."""
        return "".join(_operation(ref, hyp) for ref, hyp in self.pairs)

    @property
    def counts(self) -> ErrorRate:
        found = self.operations
        length = len(found) - found.count("I")
        return ErrorRate(found.count("I"), found.count("D"), found.count("S"), length)


def align(ref: Sequence[str], hyp: Sequence[str]) -> Alignment:
    """Align with the fewest edits, each of cost 1 (kaldialign)."""
    gap = _unused(ref, hyp)
    pairs = kaldialign.align(list(ref), list(hyp), gap)
    found = ((None if r == gap else r, None if h == gap else h) for r, h in pairs)
    return Alignment(tuple(found))


def _unused(ref: Sequence[str], hyp: Sequence[str]) -> str:
    """A gap symbol that is no word of either side."""
    gap, words = GAP, {*ref, *hyp}
    while gap in words:
        gap += "*"
    return gap


def _operation(ref: str | None, hyp: str | None) -> str:
    if ref == hyp:
        return "C"
    if ref is None:
        return "I"
    return "D" if hyp is None else "S"
