"""The n-gram wrapper against KenLM's own sentence scores."""

import math
from pathlib import Path

import kenlm
import pytest

from asr.errors import RecipeError
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import train_kneser_ney, write_arpa

SENTENCES = [["A", "B", "C"], ["A", "B"], ["B", "C", "A"], ["C"]] * 3


@pytest.fixture
def arpa(tmp_path: Path) -> Path:
    path = tmp_path / "lm.arpa"
    write_arpa(train_kneser_ney(SENTENCES, 3, [0, 0, 0]), path)
    return path


@pytest.mark.parametrize("text", ["A B C", "C C C A", "A X B", "", "X"])
def test_carried_states_give_the_full_sentence_score(arpa: Path, text: str) -> None:
    expected = kenlm.Model(str(arpa)).score(text, bos=True, eos=True) * math.log(10)
    assert NgramLm(arpa).sentence(text.split()) == pytest.approx(expected, abs=1e-5)


def test_scoring_leaves_the_state_alone(arpa: Path) -> None:
    lm = NgramLm(arpa)
    state = lm.begin()
    first, _ = lm.score(state, "A")
    lm.score(state, "B")
    assert lm.score(state, "A")[0] == first
    assert state == lm.begin()


def test_perplexity_against_kenlm(arpa: Path) -> None:
    lm, reference = NgramLm(arpa), kenlm.Model(str(arpa))
    known = lm.perplexity(["A B C"])
    assert known.with_unknown == pytest.approx(reference.perplexity("A B C"), rel=1e-5)
    assert known.with_unknown == known.without_unknown
    mixed = lm.perplexity(["A X", "B C"])
    assert (mixed.words, mixed.unknown, mixed.oov_rate) == (4, 1, 0.25)
    both = reference.score("A X") + reference.score("B C")
    assert mixed.with_unknown == pytest.approx(10 ** (-both / 6), rel=1e-5)
    scores = [s for t in ("A X", "B C") for s in reference.full_scores(t)]
    without = sum(score for score, _, oov in scores if not oov)
    assert mixed.without_unknown == pytest.approx(10 ** (-without / 5), rel=1e-5)
    assert math.isnan(lm.perplexity([]).with_unknown)


def test_user_errors(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="made by the lm stage"):
        NgramLm(tmp_path / "lm.arpa")
    (tmp_path / "lm.arpa").write_text("this is no model\n")
    with pytest.raises(RecipeError, match="is not an n-gram model"):
        NgramLm(tmp_path / "lm.arpa")
