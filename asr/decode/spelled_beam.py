"""The prefix beam search where only a lexicon knows the words' ends: the reference.

A prefix is then more than its tokens: the words that are finished are part of it. A
token that ends words makes a prefix for each of them, and one that goes on if there is
a longer word. All that have the same tokens have the same acoustic probability, and
the language model chooses between homophones. Unfinished words have the score of the
likeliest word that they can become, by the n-gram without history (look-ahead; Ortmanns
and Ney, "Look-ahead techniques for fast beam search", Computer Speech and Language 2000).
"""

from collections.abc import Hashable, Iterable
from dataclasses import replace

from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import LogProbs
from asr.decode.prefix import NEG_INF, Prefix, log_add
from asr.decode.prefix_beam import Pruning, ReferenceBeamSearch
from asr.decode.spelled_sum import summed
from asr.decode.vocabulary import Vocabulary
from asr.decode.word_lm import Fusion, LmPlace, WordScorer

Spelling = tuple[int, ...]
Found = tuple[float, Spelling, tuple[int, ...], float, float]


class SpelledPrefix(Prefix):
    """A prefix of words and tokens.

    Attributes:
        said: numbers of the finished words.
        begun: tokens of the unfinished one.
        grown: its children by token.
    """

    __slots__ = ("begun", "grown", "said")

    def __init__(
        self,
        parent: "SpelledPrefix | None",
        token: int | None,
        lm: LmPlace,
        partial: float,
        said: tuple[int, ...],
        begun: Spelling,
    ) -> None:
        super().__init__(parent, token, "", lm, partial)
        self.said, self.begun = said, begun
        self.grown: dict[int, list[Prefix]] = {}


class ReferenceSpelledSearch(ReferenceBeamSearch):
    """Decodes one utterance at a time, in plain Python."""

    def __init__(
        self, vocabulary: Vocabulary, fusion: Fusion, pruning: Pruning
    ) -> None:
        super().__init__(vocabulary, fusion, pruning)
        spelled = fusion.spelled
        assert spelled is not None
        self.words, self._lexicon = spelled.words, spelled.lexicon
        self._value = word_values(fusion)
        self._ends: dict[Spelling, list[int]] = {}
        self._ahead: dict[Spelling, float] = {}
        for number, spellings in enumerate(spelled.spellings, start=1):
            for spelling in spellings:
                self._ends.setdefault(spelling, []).append(number)
                for end in range(1, len(spelling)):
                    begun, value = spelling[:end], self._value[number]
                    self._ahead[begun] = max(value, self._ahead.get(begun, NEG_INF))

    def _root(self, scorer: WordScorer) -> Prefix:
        return SpelledPrefix(None, None, scorer.begin(), 0.0, (), ())

    def _children(
        self, prefix: Prefix, token: int, scorer: WordScorer, before: float
    ) -> list[Prefix]:
        assert isinstance(prefix, SpelledPrefix)
        if before == NEG_INF:
            return []
        if token not in prefix.grown:
            begun, made = (*prefix.begun, token), prefix.grown.setdefault(token, [])
            if begun in self._ahead:
                ahead, said = self._ahead[begun], prefix.said
                made.append(SpelledPrefix(prefix, token, prefix.lm, ahead, said, begun))
            for number in self._ends.get(begun, ()):
                lm = scorer.add_word(prefix.lm, self.words[number - 1])
                said = (*prefix.said, number)
                made.append(SpelledPrefix(prefix, token, lm, 0.0, said, ()))
        return prefix.grown[token]

    def _future(self, prefix: Prefix) -> Hashable:
        """The LM state, the unfinished word so far, the last token."""
        assert isinstance(prefix, SpelledPrefix)
        return prefix.lm.state, prefix.begun, prefix.token

    def _finish(
        self, beam: list[Prefix], scorer: WordScorer, log_probs: LogProbs, nbest: int
    ) -> list[Hypothesis]:
        """Add ``</s>``; if no last word is whole, all of them are left out."""
        prefixes = [prefix for prefix in beam if isinstance(prefix, SpelledPrefix)]
        whole = [prefix for prefix in prefixes if not prefix.begun]
        found = []
        for prefix in whole or prefixes:
            ids = prefix.ids()
            ids = ids[: len(ids) - len(prefix.begun)]
            end = scorer.finish(prefix.lm, "")
            found.append(
                (prefix.p + end.bonus, ids, prefix.said, prefix.p, end.lm_score)
            )
        hyps = ranked_words(found, self.words)
        if not whole:
            return hyps[:nbest]
        return summed(hyps, nbest, log_probs, self.vocabulary.blank, self._lexicon)


def word_values(fusion: Fusion) -> list[float]:
    """What each word (from number 1) adds to a score, its history not known."""
    spelled = fusion.spelled
    assert spelled is not None
    unk_score = 0.0 if fusion.lm is None else fusion.unk_score
    values = fusion.lm_weight * spelled.unigram + unk_score * spelled.unknown
    values[1:] += fusion.word_bonus(spelled.words)
    return [float(value) for value in values]


def ranked_words(found: Iterable[Found], words: tuple[str, ...]) -> list[Hypothesis]:
    """Hypotheses from (score, ids, numbers of words, am_score, lm_score), best first.

    Ties by tokens, then words. Of equal texts, spelled otherwise, the probabilities add
    up; the tokens are the best one's.
    """
    hyps: dict[str, Hypothesis] = {}
    for score, ids, said, am, lm in sorted(found, key=lambda f: (-f[0], f[1:3])):
        text = " ".join(words[number - 1] for number in said)
        best = hyps.get(text)
        if best is None:
            hyps[text] = Hypothesis(text, ids, score, am, lm)
        else:
            score, am = log_add(best.score, score), log_add(best.am_score, am)
            hyps[text] = replace(best, score=score, am_score=am)
    return sorted(hyps.values(), key=lambda hyp: (-hyp.score, hyp.tokens, hyp.text))
