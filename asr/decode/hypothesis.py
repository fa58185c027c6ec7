"""What every decoder returns."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """One word of a hypothesis, and where it was said.

    Attributes:
        start, end: seconds from the beginning of the utterance.
        confidence: 0 to 1, how sure the decoder is of it.
    """

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Hypothesis:
    """One recognised word sequence.

    Attributes:
        text: words with single spaces between them.
        tokens: token ids without blanks; empty where the decoder works on words.
        score: what the decoder ranked it by, natural log, scales included.
        am_score: acoustic part, natural log, unscaled.
        lm_score: language model's part, natural log, unscaled.
        failed: the search found nothing; ``text`` is then empty.
        words: those of ``text`` with their times; empty where the decoder knows none.
        second_try: the configured beams found nothing, or ran out of memory; this is
            what others found.
        unknown: words of ``text`` that the language model does not know, where the
            search adds something for them.
        larger_score: of a larger LM that the lattice was rescored with, unscaled.
    """

    text: str
    tokens: tuple[int, ...]
    score: float
    am_score: float
    lm_score: float
    failed: bool = False
    words: tuple[Word, ...] = ()
    second_try: bool = False
    larger_score: float = 0.0
    unknown: int = 0


def no_path(second_try: bool = False) -> Hypothesis:
    """Of an utterance for which the search has found nothing."""
    never = float("-inf")
    return Hypothesis("", (), never, never, 0.0, failed=True, second_try=second_try)


# A part of the score, before the scale that it is multiplied by.
Feature = Callable[[Hypothesis], float]
