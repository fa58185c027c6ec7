"""What unfinished words are worth, and what that and recombination change."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.decode.beam import PrefixBeamSearch
from asr.decode.hypothesis import Hypothesis
from asr.decode.known_words import KnownWords
from asr.lm.arpa import load_lm
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import train_kneser_ney, write_arpa
from tests.decode.test_prefix_beam import UNLIMITED, random_log_probs, sum_over_paths

TOKENS = ["<blk>", "|", "A", "B"]
SCALES = {"lm_weight": 0.7, "word_score": 0.4, "unk_score": -2.0}


@pytest.fixture(scope="module")
def arpa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lm") / "lm.arpa"
    texts = ["A AB", "ABB BA A", "AB BABA", "BA A AB", "BB ABB", "A BA", "ABBA A A"]
    write_arpa(train_kneser_ney([text.split() for text in texts], 3, [0, 0, 0]), path)
    return path


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("load", [NgramLm, load_lm])
def test_look_ahead_is_the_best_word_that_begins_so(
    arpa: Path, load: Any, closed: bool
) -> None:
    """Against kenlm's scores of sentences of one word, without their context."""
    lm, kenlm = load(arpa), NgramLm(arpa)
    words = {*(lm.words() or ()), "ABBBB"}  # a lexicon may have more than the LM
    known = KnownWords(words, lm, closed=closed)
    ahead, other = known.look_ahead(0.7, 0.4, -2.0)
    _, nothing = kenlm.score(kenlm.begin(), "QQ")

    def value(word: str) -> float:
        unknown = -2.0 * (word not in kenlm)
        return 0.7 * kenlm.score(nothing, word)[0] + 0.4 + unknown

    assert other == pytest.approx(value("QQ"))
    trie, begun = known.trie, [""]
    for node, symbol in enumerate(trie.symbol[1:], start=1):
        parent = int(np.searchsorted(trie.first, node, side="right")) - 1
        begun.append(begun[parent] + chr(symbol))
    assert set(begun) == {word[:n] for word in words for n in range(len(word) + 1)}
    assert ahead[0] == 0.0
    for beginning, worth in zip(begun[1:], ahead[1:], strict=True):
        best = max(value(word) for word in words if word.startswith(beginning))
        assert worth == pytest.approx(best if closed else max(best, other))


def search(arpa: Path, log_probs: np.ndarray, **options: Any) -> list[Hypothesis]:
    made = PrefixBeamSearch(TOKENS, arpa, **SCALES, **options)
    found: list[Hypothesis] = made(log_probs)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_finds_the_best_whatever_shares_a_future(
    arpa: Path, seed: int
) -> None:
    """Against all paths; of tokens with the same text only the sum counts."""
    log_probs, lm = random_log_probs(6, 4, seed), NgramLm(arpa)
    sums: dict[str, float] = {}
    for ids, ln_prob in sum_over_paths(log_probs).items():
        text = " ".join("".join(TOKENS[i] for i in ids).replace("|", " ").split())
        sums[text] = np.logaddexp(sums.get(text, -np.inf), ln_prob)

    def score(text: str) -> float:
        words = text.split()
        unknown = sum(word not in lm for word in words)
        fixed = 0.4 * len(words) - 2.0 * unknown
        return float(sums[text] + 0.7 * lm.sentence(words) + fixed)

    best = max(sums, key=score)
    alone = search(arpa, log_probs, **UNLIMITED)[0]
    assert (alone.text, alone.unknown) == (best, sum(w not in lm for w in best.split()))
    assert alone.score == pytest.approx(score(best), abs=1e-4)
    together = search(arpa, log_probs, **{**UNLIMITED, "histories": 1})[0]
    assert together.text == best
    # Of `A `, `A` and ` A` some may have made way for each other.
    assert score(best) - 0.5 < together.score <= score(best) + 1e-4


def mean_score(arpa: Path, **options: Any) -> float:
    rows = [random_log_probs(60, 4, seed) for seed in range(20)]
    return float(np.mean([search(arpa, x, **options)[0].score for x in rows]))


def test_both_leave_room_in_a_narrow_beam(
    arpa: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = mean_score(arpa, beam_size=6)
    assert narrow > mean_score(arpa, beam_size=6, histories=10**9) + 0.2
    assert narrow <= mean_score(arpa, beam_size=500, beam_threshold=30.0) + 1e-6

    def blind(self: KnownWords, *_: float) -> tuple[np.ndarray, float]:
        return np.zeros(len(self.trie.whole)), 0.0

    monkeypatch.setattr(KnownWords, "look_ahead", blind)
    assert narrow > mean_score(arpa, beam_size=6) + 0.2
