"""Error counts that only add up, so that a mean of error rates cannot happen."""

from collections.abc import Sequence
from dataclasses import dataclass

import kaldialign


@dataclass(frozen=True)
class ErrorRate:
    """Insertions, deletions and substitutions over a number of reference units."""

    ins: int
    dels: int
    subs: int
    length: int  # of the reference

    @classmethod
    def zero(cls) -> "ErrorRate":
        """The count of nothing, to add to."""
        return cls(0, 0, 0, 0)

    @property
    def errors(self) -> int:
        return self.ins + self.dels + self.subs

    @property
    def rate(self) -> float:
        """Errors per reference unit; of an empty reference 0, or infinity if any."""
        if self.length == 0:
            return float("inf") if self.errors else 0.0
        return self.errors / self.length

    def __add__(self, other: "ErrorRate") -> "ErrorRate":
        return ErrorRate(
            self.ins + other.ins,
            self.dels + other.dels,
            self.subs + other.subs,
            self.length + other.length,
        )


def count_errors(ref: Sequence[str], hyp: Sequence[str]) -> ErrorRate:
    """Count the fewest edits that turn ``ref`` into ``hyp`` (Levenshtein distance)."""
    found = kaldialign.edit_distance(list(ref), list(hyp))
    return ErrorRate(found["ins"], found["del"], found["sub"], len(ref))
