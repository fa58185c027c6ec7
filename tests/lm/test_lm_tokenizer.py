"""Pieces for the LM of a phone model: of its text, and kept while that is the same."""

from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.lm import lm_tokenizer as module
from asr.lm.lm_tokenizer import lm_tokenizer

LINES = ["THE CAT SAT ON THE MAT", "A RAT SAT ON A HAT"] * 4


def test_pieces_spell_the_text_and_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "train.txt"
    text.write_text("\n".join(LINES) + "\n")
    first = lm_tokenizer(text, tmp_path / "lm", 18)
    assert first.vocab_size == 18
    assert [first.decode(first.encode(line)) for line in LINES] == LINES
    assert len(first.encode("THE")) < 4  # not letters
    with monkeypatch.context() as patch:
        patch.setattr(module.Tokenizer, "train", None)  # not called
        assert lm_tokenizer(text, tmp_path / "lm", 18).tokens == first.tokens
    assert lm_tokenizer(text, tmp_path / "lm", 16).vocab_size == 16
    text.write_text("\n".join([*LINES, "ZEBU"]) + "\n")
    assert "Z" in "".join(lm_tokenizer(text, tmp_path / "lm", 20).tokens)


def test_only_so_many_sentences_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    text = tmp_path / "train.txt"
    text.write_text("\n".join(LINES) + "\n")
    assert "R" not in "".join(lm_tokenizer(text, tmp_path / "lm", 14).tokens)


def test_an_empty_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "train.txt").touch()
    with pytest.raises(RecipeError, match="no training text"):
        lm_tokenizer(tmp_path / "train.txt", tmp_path / "lm", 18)
