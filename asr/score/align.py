"""Alignment of a reference with a hypothesis, word by word."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from asr.score.edits import operations
from asr.score.error_rate import ErrorRate, count_operations

GAP = "***"  # shown for no word, as in Kaldi's per_utt


@dataclass(frozen=True)
class Alignment:
    """A reference, a hypothesis, and the edits between them.

    Attributes:
        operations: C(orrect), S(ubstitution), I(nsertion) or D(eletion) for every pair.
    """

    ref: tuple[str, ...]
    hyp: tuple[str, ...]
    operations: str

    @cached_property
    def pairs(self) -> tuple[tuple[str | None, str | None], ...]:
        """(reference word, hypothesis word); None on a side stands for no word."""
        if "I" not in self.operations and "D" not in self.operations:
            return tuple(zip(self.ref, self.hyp, strict=True))
        ref, hyp = iter(self.ref), iter(self.hyp)
        return tuple(
            (None if kind == "I" else next(ref), None if kind == "D" else next(hyp))
            for kind in self.operations
        )

    @property
    def counts(self) -> ErrorRate:
        return count_operations(self.operations)


def align(ref: Sequence[str], hyp: Sequence[str]) -> Alignment:
    """Align with the fewest edits, each of cost 1."""
    return Alignment(tuple(ref), tuple(hyp), operations(ref, hyp))
