"""Word scores inside the prefix beam search: states, weights, a cache."""

from dataclasses import dataclass
from typing import Any, Protocol


class WordModel(Protocol):
    """What the search needs of a language model (``asr.lm.ngram.NgramLm``)."""

    def begin(self) -> Any: ...

    def score(self, state: Any, word: str) -> tuple[float, Any]: ...

    def end(self, state: Any) -> float: ...

    def __contains__(self, word: str) -> bool: ...


@dataclass(frozen=True)
class WordLm:
    """Where a prefix stands in the LM.

    Attributes:
        state: number of the LM's state within the utterance.
        lm_score: ln probability of the finished words, unweighted.
        bonus: what the search adds to the acoustic score: weighted LM, word scores.
    """

    state: int
    lm_score: float
    bonus: float


class WordScorer:
    """Scores words as they are finished; asks the LM once per (state, word).

    Equal LM states get one number, so that histories which the n-gram cannot tell
    apart share their cache entries. Without an LM only ``word_score`` counts.
    """

    def __init__(
        self,
        lm: WordModel | None,
        lm_weight: float,
        word_score: float,
        unk_score: float,
    ) -> None:
        self._lm = lm
        self._weight = lm_weight
        self._word_score = word_score
        self._unk_score = unk_score
        self._states: list[Any] = []
        self._numbers: dict[Any, int] = {}
        self._cache: dict[tuple[int, str], tuple[int, float, float]] = {}

    def begin(self) -> WordLm:
        """Position at the beginning of a sentence."""
        number = 0 if self._lm is None else self._number(self._lm.begin())
        return WordLm(number, 0.0, 0.0)

    def add_word(self, at: WordLm, word: str) -> WordLm:
        """Position after one more finished word."""
        key = (at.state, word)
        if key not in self._cache:
            self._cache[key] = self._ask(at.state, word)
        state, ln_prob, bonus = self._cache[key]
        return WordLm(state, at.lm_score + ln_prob, at.bonus + bonus)

    def finish(self, at: WordLm, word: str) -> WordLm:
        """Position after the last word (empty: none) and ``</s>``."""
        if word:
            at = self.add_word(at, word)
        if self._lm is None:
            return at
        ln_prob = self._lm.end(self._states[at.state])
        bonus = at.bonus + self._weight * ln_prob
        return WordLm(at.state, at.lm_score + ln_prob, bonus)

    def _ask(self, state: int, word: str) -> tuple[int, float, float]:
        """Next state, ln probability, and weighted bonus of one word."""
        if self._lm is None:
            return state, 0.0, self._word_score
        ln_prob, after = self._lm.score(self._states[state], word)
        bonus = self._weight * ln_prob + self._word_score
        if word not in self._lm:
            bonus += self._unk_score
        return self._number(after), ln_prob, bonus

    def _number(self, state: Any) -> int:
        number = self._numbers.setdefault(state, len(self._states))
        if number == len(self._states):
            self._states.append(state)
        return number
