"""Language-model, word and hot-word scores inside the prefix beam search."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from asr.decode.hot_words import Weights, beginnings, known_to
from asr.decode.known_words import KnownWords
from asr.decode.spelled_words import SpelledWords
from asr.decode.word_model import WordModel as WordModel
from asr.errors import RecipeError


@dataclass(frozen=True)
class Fusion:
    """What a beam search adds to the acoustics; scores are natural logs.

    Attributes:
        lm: n-gram over words, or None.
        token_lm: n-gram over tokens (``▁`` and all), or None; not with ``lm``.
        lm_weight: factor of the LM's ln probability.
        word_score: added for every word.
        unk_score: added for every word (token) that the LM does not know.
        lexicon: the only words allowed, or None.
        hotwords: words and what each gets every time, instead of ``unk_score``;
            ``hot_words`` says what their beginnings get.
        spelled: words with their spellings, the only ones allowed, for tokens that do not
            show where words begin; or None. ``hotwords`` then count when they are whole.
        known: the words of ``lexicon``, else those of ``lm``, if it can list them, and
            the hot ones; made where it is not given or does not fit. An unfinished word has the score of the best one that it can
            become, and what is no beginning of any has ``unk_score``: the scores of
            whole words are the same, and a narrow beam is used better.
    """

    lm: WordModel | None = None
    token_lm: WordModel | None = None
    lm_weight: float = 0.5
    word_score: float = 0.0
    unk_score: float = -4.0
    lexicon: frozenset[str] | None = None
    hotwords: Weights = field(default_factory=dict)
    spelled: SpelledWords | None = None
    known: KnownWords | None = None

    def __post_init__(self) -> None:
        if self.lm is not None and self.token_lm is not None:
            raise RecipeError("beam search: give lm (words) or token_lm, not both")
        if self.spelled is not None and (self.lexicon, self.token_lm) != (None, None):
            raise RecipeError("beam search: spellings go without lexicon and token_lm")
        object.__setattr__(self, "known", self._known())

    def _known(self) -> KnownWords | None:
        if self.spelled is not None:
            return None
        if self.lexicon is not None:
            return KnownWords(self.lexicon, self.lm, closed=True, spared=self.hotwords)
        if self.lm is None or not (words := self.lm.words()):
            return None
        if self.known is not None and self.hotwords.keys() <= words:
            return self.known
        words |= self.hotwords.keys()
        return KnownWords(words, self.lm, spared=self.hotwords)

    @property
    def hot_bonus(self) -> Weights:
        """What hot words get when they are whole: ``unk_score`` back, if it was added."""
        return known_to(self.lm, self.hotwords, self.unk_score)

    def word_bonus(self, words: Sequence[str]) -> list[float]:
        """What whole words get whatever the LM says."""
        bonus = self.hot_bonus
        return [self.word_score + bonus.get(word, 0.0) for word in words]

    @property
    def model(self) -> WordModel | None:
        """The one LM, of words or of tokens."""
        return self.lm if self.token_lm is None else self.token_lm


@dataclass(frozen=True)
class LmPlace:
    """Where a prefix stands in the LM.

    Attributes:
        state: number of the LM's state within the utterance.
        lm_score: ln probability of the finished words (of all tokens), unweighted.
        bonus: what the search adds to the acoustic score: weighted LM, word scores,
            hot words.
    """

    state: int
    lm_score: float
    bonus: float


class LmStates:
    """Numbers for LM states, and the model asked by number.

    Equal states get one number, so that histories which the n-gram cannot tell apart
    share what is known about their successors.
    """

    def __init__(self, model: WordModel) -> None:
        self._model = model
        self._states: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def __len__(self) -> int:
        return len(self._states)

    def begin(self) -> int:
        """Number of the state at the beginning of a sentence."""
        return self._number(self._model.begin())

    def score(self, state: int, word: str) -> tuple[float, int]:
        """ln probability of the word, and the state after it."""
        ln_prob, after = self._model.score(self._states[state], word)
        return ln_prob, self._number(after)

    def end(self, state: int) -> float:
        """ln probability that the sentence ends here."""
        return self._model.end(self._states[state])

    def _number(self, state: Any) -> int:
        number = self._numbers.setdefault(state, len(self._states))
        if number == len(self._states):
            self._states.append(state)
        return number


class WordScorer:
    """Scores words (tokens) as they are finished; asks the LM once per (state, word).

    Of one utterance. Without an LM only ``word_score`` and hot words count.
    """

    def __init__(self, fusion: Fusion) -> None:
        self._with = fusion
        self._states = None if fusion.model is None else LmStates(fusion.model)
        self._cache: dict[tuple[int, str], tuple[int, float, float]] = {}
        self._begun, self._unbegun = _look_ahead(fusion)
        self._hot_begun = beginnings(fusion.hotwords)
        self._hot_bonus = fusion.hot_bonus

    def begin(self) -> LmPlace:
        """Place at the beginning of a sentence."""
        return LmPlace(0 if self._states is None else self._states.begin(), 0.0, 0.0)

    def allows(self, word: str) -> bool:
        """Whether the lexicon has a word that begins so."""
        return self._with.lexicon is None or not word or word in self._begun

    def complete(self, word: str) -> bool:
        """Whether a word may end here."""
        return self._with.lexicon is None or not word or word in self._with.lexicon

    def partial(self, word: str) -> float:
        """What an unfinished word can become at best, and gets as part of a hot one."""
        ahead = self._begun.get(word, self._unbegun) if word else 0.0
        return ahead + self._hot_begun.get(word, 0.0)

    def add_word(self, at: LmPlace, word: str) -> LmPlace:
        """Place after one more finished word."""
        state, ln_prob, bonus = at.state, 0.0, 0.0
        if self._with.lm is not None:
            state, ln_prob, bonus = self._ask(at.state, word)
        bonus += self._with.word_score
        bonus += self._hot_bonus.get(word, 0.0)
        return LmPlace(state, at.lm_score + ln_prob, at.bonus + bonus)

    def add_token(self, at: LmPlace, token: str) -> LmPlace:
        """Place after one more token: another one only for an LM over tokens."""
        if self._with.token_lm is None:
            return at
        state, ln_prob, bonus = self._ask(at.state, token)
        return LmPlace(state, at.lm_score + ln_prob, at.bonus + bonus)

    def finish(self, at: LmPlace, word: str) -> LmPlace:
        """Place after the last word (empty: none) and ``</s>``."""
        if word:
            at = self.add_word(at, word)
        if self._states is None:
            return at
        ln_prob = self._states.end(at.state)
        bonus = at.bonus + self._with.lm_weight * ln_prob
        return LmPlace(at.state, at.lm_score + ln_prob, bonus)

    def _ask(self, state: int, word: str) -> tuple[int, float, float]:
        """Next state, ln probability, and weighted bonus of one word or token."""
        if (state, word) not in self._cache:
            assert self._states is not None and self._with.model is not None
            ln_prob, after = self._states.score(state, word)
            bonus = self._with.lm_weight * ln_prob
            if word not in self._with.model:
                bonus += self._with.unk_score
            self._cache[state, word] = (after, ln_prob, bonus)
        return self._cache[state, word]


def _look_ahead(fusion: Fusion) -> tuple[dict[str, float], float]:
    """Every beginning of every known word with what it is worth; what others are."""
    known = fusion.known
    if known is None:
        return {}, 0.0
    values, other = [0.0] * len(known.trie.words), 0.0
    if known.lm is not None:
        listed = fusion.lm_weight * known.unigram + fusion.unk_score * known.unknown
        other, *values = (listed + fusion.word_score).tolist()
    begun: dict[str, float] = {}
    for word, value in zip(known.trie.words, values, strict=True):
        least = value if known.closed else max(value, other)
        for end in range(1, len(word) + 1):
            begun[word[:end]] = max(least, begun.get(word[:end], least))
    return begun, other
