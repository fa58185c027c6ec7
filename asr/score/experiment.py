"""Decoders and sets of an experiment, as the report shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from asr.score.bootstrap import Comparison, Interval, compare, interval
from asr.score.report import Scores

WORST = 8  # utterances shown of each set


@dataclass(frozen=True)
class Decoder:
    """What one decoder did on a set.

    Attributes:
        rtf: seconds of search for a second of audio.
        peak_rss_mb: most memory of its process, MiB.
    """

    name: str
    scores: Scores
    rtf: float
    peak_rss_mb: float

    @cached_property
    def wer(self) -> Interval:
        return interval(list(self.scores.words.values()))

    @cached_property
    def cer(self) -> Interval:
        return interval(list(self.scores.characters.values()))

    def against(self, best: "Decoder") -> Comparison | None:
        """How much worse it is than the best; None of the best itself."""
        if best is self:
            return None
        first, second = best.scores.words, self.scores.words
        return compare(list(first.values()), list(second.values()))


@dataclass(frozen=True)
class TestSet:
    """All decoders on one set; they have the same references.

    Attributes:
        unit: ``PER`` where their output is phones.
    """

    __test__ = False  # no class of tests, pytest

    name: str
    decoders: Sequence[Decoder]
    unit: str = "WER"

    @cached_property
    def best(self) -> Decoder:
        return min(self.decoders, key=lambda d: d.scores.wer.rate)

    @cached_property
    def worst(self) -> list[str]:
        """Utterances in which the best decoder made most errors."""
        words = self.best.scores.words
        wrong = [id_ for id_, found in words.items() if found.errors]
        return sorted(wrong, key=lambda i: (-words[i].errors, -words[i].rate))[:WORST]
