"""A cut n-gram against the one it was cut from, scored by KenLM."""

import itertools
import random
from pathlib import Path

import kenlm
import pytest

from asr.lm.arpa import cut_arpa
from asr.lm.kneser_ney import train_kneser_ney, write_arpa

WORDS = ["A", "B", "C", "D"]


@pytest.fixture
def arpa(tmp_path: Path) -> Path:
    rng = random.Random(1)
    texts = [rng.choices(WORDS, k=rng.randint(1, 5)) for _ in range(60)]
    write_arpa(train_kneser_ney(texts, 3, [0, 0, 0]), tmp_path / "3.arpa")
    return tmp_path / "3.arpa"


def test_scores_are_those_of_the_lower_order(tmp_path: Path, arpa: Path) -> None:
    cut_arpa(arpa, 2, tmp_path / "cut.arpa")
    whole, cut = kenlm.Model(str(arpa)), kenlm.Model(str(tmp_path / "cut.arpa"))
    assert (whole.order, cut.order) == (3, 2)
    for words in itertools.product(WORDS, repeat=2):
        # with one word before it, the whole model has no longer n-gram to use
        text = " ".join(words)
        expected = whole.score(text, bos=False, eos=False)
        assert cut.score(text, bos=False, eos=False) == pytest.approx(expected)


def test_unigrams_alone_have_no_back_off(tmp_path: Path, arpa: Path) -> None:
    cut_arpa(arpa, 1, tmp_path / "cut.arpa")
    lines = (tmp_path / "cut.arpa").read_text().split("\n")
    assert lines[:2] == ["\\data\\", "ngram 1=7"]
    assert [line.split("\t")[1:] for line in lines if line.startswith("-")] == [
        line.split("\t")[1:2]
        for line in arpa.read_text().split("\\2-grams:")[0].split("\n")
        if line.startswith("-")
    ]
    assert lines[-2:] == ["\\end\\", ""]


def test_an_order_that_is_there_stays_as_it_is(tmp_path: Path, arpa: Path) -> None:
    cut_arpa(arpa, 3, tmp_path / "cut.arpa")
    assert (tmp_path / "cut.arpa").read_bytes() == arpa.read_bytes()
    cut_arpa(arpa, 2, tmp_path / "cut.arpa")
    cut_arpa(tmp_path / "cut.arpa", 5, tmp_path / "again.arpa")
    assert (tmp_path / "again.arpa").read_bytes() == (
        tmp_path / "cut.arpa"
    ).read_bytes()
