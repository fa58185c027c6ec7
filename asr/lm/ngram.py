"""Word n-grams through KenLM, with states carried from word to word.

The only place where log10 becomes the natural logarithm.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.errors import RecipeError
from asr.packages import missing

if missing("kenlm") is None:
    import kenlm

LN10 = math.log(10.0)


@dataclass(frozen=True)
class Perplexity:
    """Of some sentences, ``</s>`` counted as a word; unknown words as said."""

    with_unknown: float
    without_unknown: float
    words: int
    unknown: int

    @property
    def oov_rate(self) -> float:
        """Share of words that the LM does not know, 0 to 1."""
        return self.unknown / self.words if self.words else 0.0


class NgramLm:
    """An ARPA file or KenLM binary (Heafield, WMT 2011); scores are natural logs."""

    def __init__(self, path: Path) -> None:
        """Load; RecipeError if the file is missing or no n-gram, or KenLM is missing."""
        if reason := missing("kenlm"):
            raise RecipeError(f"{path}: {reason}; see docs/install.md")
        if not path.is_file():
            raise RecipeError(
                f"{path} is missing; the recipe's own n-gram is made by the lm stage (4)"
            )
        config = kenlm.Config()
        config.show_progress = False
        config.arpa_complain = kenlm.ARPALoadComplain.NONE
        try:
            self._model = kenlm.Model(str(path), config)
        except OSError as error:
            raise RecipeError(f"{path} is not an n-gram model: {error}") from error
        self._path = path
        self._words: frozenset[str] | None = None

    @property
    def order(self) -> int:
        """Length of the longest n-gram."""
        order: int = self._model.order
        return order

    def __contains__(self, word: str) -> bool:
        return word in self._model

    def words(self) -> frozenset[str] | None:
        """The words that it knows, or None if the file does not list them.

        An ARPA file lists them as its 1-grams; a KenLM binary after everything else,
        each with a zero byte, ``<unk>`` first, unless it was made without them.
        """
        if self._words is None:
            listed = _listed(self._path.read_bytes())
            decoded = frozenset(word.decode("utf-8", "replace") for word in listed)
            known = decoded - {"<unk>", "<s>", "</s>", ""}
            if not known or not all(word in self for word in known):
                return None
            self._words = known
        return self._words

    def begin(self) -> "kenlm.State":
        """State after ``<s>``."""
        state = kenlm.State()
        self._model.BeginSentenceWrite(state)
        return state

    def score(self, state: "kenlm.State", word: str) -> "tuple[float, kenlm.State]":
        """``ln p(word | state)`` and the state after it. ``state`` is not changed."""
        after = kenlm.State()
        return LN10 * self._model.BaseScore(state, word, after), after

    def end(self, state: "kenlm.State") -> float:
        """``ln p(</s> | state)``."""
        return LN10 * float(self._model.BaseScore(state, "</s>", kenlm.State()))

    def sentence(self, words: Sequence[str]) -> float:
        """``ln p`` of a whole sentence, ``</s>`` included."""
        state, total = self.begin(), 0.0
        for word in words:
            ln_prob, state = self.score(state, word)
            total += ln_prob
        return total + self.end(state)

    def perplexity(self, texts: Iterable[str]) -> Perplexity:
        """Perplexity per token with and without the unknown words, and their count."""
        known, unknown, tokens, words, oov = 0.0, 0.0, 0, 0, 0
        for text in texts:
            state = self.begin()
            for word in text.split():
                ln_prob, state = self.score(state, word)
                words += 1
                if word in self:
                    known += ln_prob
                else:
                    unknown += ln_prob
                    oov += 1
            known += self.end(state)
            tokens += 1
        tokens += words
        if tokens == 0:
            return Perplexity(math.nan, math.nan, 0, 0)
        return Perplexity(
            math.exp(-(known + unknown) / tokens),
            math.exp(-known / (tokens - oov)),
            words,
            oov,
        )


def _listed(data: bytes) -> list[bytes]:
    """The vocabulary that an ARPA file or a KenLM binary contains."""
    if data.lstrip().startswith(b"\\data\\"):
        rows = data.partition(b"\\1-grams:")[2].partition(b"\n\\")[0]
        return [row.split()[1] for row in rows.splitlines() if len(row.split()) > 1]
    begin = data.rfind(b"<unk>\0")
    return data[begin:].split(b"\0") if begin >= 0 else []
