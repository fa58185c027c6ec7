"""Language models that score whole sentences, whatever they are inside."""

from collections.abc import Sequence
from typing import Protocol


class SentenceLm(Protocol):
    """What rescoring needs of a language model."""

    def score(self, texts: Sequence[str]) -> list[float]:
        """``ln p`` of each sentence, its end included."""
        ...


class CachedLm:
    """Asks another model once for every text.

    Hypotheses of one utterance differ from run to run less than one would think, and
    short utterances share theirs.
    """

    def __init__(self, lm: SentenceLm) -> None:
        self.lm = lm
        self.known: dict[str, float] = {}

    def score(self, texts: Sequence[str]) -> list[float]:
        """``ln p`` of each sentence, its end included."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            self.known.update(zip(new, self.lm.score(new), strict=True))
        return [self.known[text] for text in texts]
