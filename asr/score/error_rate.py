"""Error counts that only add up, so that a mean of error rates cannot happen."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from asr.score.edits import operations


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

    @classmethod
    def total(cls, parts: Iterable["ErrorRate"]) -> "ErrorRate":
        """The sum of all."""
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

        Of a reference without units it is 0 if nothing was recognised either, else 1:
        all that was recognised is wrong. In a sum with others such insertions count
        like any other.
        """
        if self.length == 0:
            return 1.0 if self.errors else 0.0
        return self.errors / self.length

    def __add__(self, other: "ErrorRate") -> "ErrorRate":
        return ErrorRate(
            self.ins + other.ins,
            self.dels + other.dels,
            self.subs + other.subs,
            self.length + other.length,
        )


def count_errors(ref: Sequence[Hashable], hyp: Sequence[Hashable]) -> ErrorRate:
    """Count the fewest edits that turn ``ref`` into ``hyp`` (Levenshtein distance)."""
    return count_operations(operations(ref, hyp))


def count_operations(found: str) -> ErrorRate:
    """The counts of an alignment written as C, S, I and D."""
    ins, dels, subs = (found.count(kind) for kind in "IDS")
    return ErrorRate(ins, dels, subs, len(found) - ins)
