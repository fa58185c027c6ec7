"""The text as one file of token ids."""

from pathlib import Path

import numpy as np
import pytest

from asr.errors import RecipeError
from asr.lm import token_text
from asr.lm.token_text import TokenText, write_token_text
from asr.text.tokenizer import UNK_ID, Tokenizer


def ids(sentence: str) -> list[int]:
    return [int(word) for word in sentence.split()]


def test_sentences_stand_between_zeros(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_text, "BLOCK", 2)  # in two blocks
    sentences = ["1 2 3 4 5", "", "6\n", "65535 7 8"]
    assert write_token_text(sentences, ids, 1 << 16, tmp_path / "t.bin") == 3
    text = TokenText.open(tmp_path / "t.bin")
    assert text.ids.tolist() == [0, 1, 2, 3, 4, 5, 0, 6, 0, 65535, 7, 8, 0]
    assert isinstance(text.ids, np.memmap)


def test_the_end_of_a_line_is_no_token(tmp_path: Path) -> None:
    lines = ["ONE TWO\n", "TEN\n", "\n"]
    tokenizer = Tokenizer.train(lines, tmp_path, "char", 0)
    size = tokenizer.vocab_size
    write_token_text(lines, tokenizer.encode, size, tmp_path / "t.bin")
    found = TokenText.open(tmp_path / "t.bin").ids.tolist()
    assert found == [0, *tokenizer.encode("ONE TWO"), 0, *tokenizer.encode("TEN"), 0]
    assert UNK_ID not in found


def test_pieces_by_hand() -> None:
    text = TokenText(np.array([0, 1, 2, 3, 4, 5, 0, 6, 0, 7, 8, 9, 0], np.uint16))
    assert text.pieces(100).tolist() == [[0, 6], [6, 2], [8, 4]]
    assert text.pieces(4).tolist() == [[0, 4], [4, 2], [6, 2], [8, 4]]
    assert text.pieces(1).tolist() == [[i, 1] for i in range(12)]


def test_user_errors(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no sentence"):
        write_token_text(["", ""], ids, 10, tmp_path / "t.bin")
    with pytest.raises(RecipeError, match="65537 tokens; at most 65536"):
        write_token_text(["1"], ids, 65537, tmp_path / "t.bin")
    assert not list(tmp_path.iterdir())
