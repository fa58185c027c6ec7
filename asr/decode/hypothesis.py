"""What every decoder returns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """One word of a hypothesis, as it was spoken.

    Attributes:
        text: the word.
        start, end: seconds from the beginning of the log-probs.
        confidence: 0 to 1.
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
        words: the words of ``text`` with their times, where these were asked for.
    """

    text: str
    tokens: tuple[int, ...]
    score: float
    am_score: float
    lm_score: float
    failed: bool = False
    words: tuple[Word, ...] = ()
