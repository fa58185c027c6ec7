"""The lexicon: spelling, tables, disambiguation, arcs."""

from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.fsa.lexicon import (
    disambiguate,
    lexicon_arcs,
    read_arpa_words,
    read_words,
    spell_words,
    write_lexicon,
)
from asr.lm.train_ngram import train_kneser_ney, write_arpa
from asr.text.tokenizer import Tokenizer

TEXTS = ["ONE TWO", "ON ONE", "NEON TWO ON", "É ONE"]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    return Tokenizer.train(TEXTS, tmp_path / "lang", "char", 0)


def test_words_come_from_the_lm(tmp_path: Path) -> None:
    arpa = tmp_path / "lm.arpa"
    write_arpa(train_kneser_ney([t.split() for t in TEXTS], 2, [0, 0]), arpa)
    assert read_arpa_words(arpa) == ["NEON", "ON", "ONE", "TWO", "É"]
    arpa.write_text("\\data\\\nngram 1=0\n")
    with pytest.raises(RecipeError, match="no unigrams"):
        read_arpa_words(arpa)


def test_files(tmp_path: Path, tokenizer: Tokenizer) -> None:
    lexicon = spell_words(["NEON", "ON"], tokenizer)
    write_lexicon(lexicon, tokenizer.tokens, tmp_path)
    assert (tmp_path / "lexicon.txt").read_text() == "NEON ▁ N E O N\nON ▁ O N\n"
    words = ["<eps>", "NEON", "ON", "#0", "<s>", "</s>"]
    assert read_words(tmp_path / "words.txt") == words
    (tmp_path / "words.txt").write_text("<eps> 0\nON 2\n")
    with pytest.raises(RecipeError, match="damaged"):
        read_words(tmp_path / "words.txt")
    with pytest.raises(RecipeError, match="graph stage"):
        read_words(tmp_path / "nowhere.txt")


def test_words_that_cannot_be_spelled_are_counted(
    tokenizer: Tokenizer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(spell_words(["ON", "ZOO", "ZZ"], tokenizer)) == ["ON"]
    said = capsys.readouterr().out
    assert "2 words cannot be spelled" in said
    assert "ZOO, ZZ" in said
    with pytest.raises(RecipeError, match="no word"):
        spell_words(["ZOO"], tokenizer)


def test_disambiguation() -> None:
    """Homophones are numbered; a spelling that begins another is marked."""
    assert disambiguate([(2, 3), (2, 3), (4,), (2,), (5, 4)]) == [1, 2, 0, 1, 0]


def test_arcs_by_hand() -> None:
    lexicon = {"A": [(2,)], "AB": [(2, 3)]}
    assert lexicon_arcs(lexicon, None) == [
        (0, 0, 2, 1),
        (0, 1, 2, 2),
        (0, 2, -1, -1),
        (1, 0, 3, 0),
    ]
    assert lexicon_arcs(lexicon, 10) == [
        (0, 1, 2, 1),  # A, then #1 because AB begins with it
        (0, 2, 2, 2),
        (0, 0, 10, 3),  # #0 for G's back-off
        (0, 3, -1, -1),
        (1, 0, 11, 0),
        (2, 0, 3, 0),
    ]
