"""The text of language models: normalised once, whole or not there, and its tokens."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from asr.errors import RecipeError
from asr.lm import train_text as module
from asr.lm.train_text import (
    TokenText,
    lm_tokenizer,
    write_token_text,
    write_train_text,
)
from asr.text.normalize import get_rule
from asr.text.tokenizer import UNK_ID, Tokenizer

LINES = ["THE CAT SAT ON THE MAT", "A RAT SAT ON A HAT"] * 4


def test_train_text_normalises_only_the_extra_text(tmp_path: Path) -> None:
    extra = tmp_path / "extra.txt.gz"
    with gzip.open(extra, "wt") as file:
        file.write("hello world\n\n  \nbye\n")
    out = tmp_path / "train.txt"
    count = write_train_text(["a b", ""], extra, lambda s: s.strip().upper(), out)
    assert out.read_text() == "a b\nHELLO WORLD\nBYE\n"
    assert count == 3


def test_damaged_extra_text_leaves_nothing(tmp_path: Path) -> None:
    extra = tmp_path / "extra.txt.gz"
    extra.write_bytes(gzip.compress(b"HELLO WORLD\n" * 1000)[:-20])
    out = tmp_path / "train.txt"
    with pytest.raises(RecipeError, match=r"extra\.txt\.gz cannot be read"):
        write_train_text(["A"], extra, str.strip, out)
    assert list(tmp_path.iterdir()) == [extra]
    with pytest.raises(RecipeError, match="no sentence"):
        write_train_text([], None, str.strip, out)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("packed", [False, True])
def test_extra_text_of_other_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], encoding: str, packed: bool
) -> None:
    extra = tmp_path / f"extra.txt{'.gz' if packed else ''}"
    lines = [
        f"слово {number} \u2019" for number in range(9000)
    ]  # more than is looked at
    content = "\r\n".join(lines).encode(encoding)
    extra.write_bytes(gzip.compress(content) if packed else content)
    out = tmp_path / "train.txt"
    assert write_train_text(["one"], extra, get_rule("none"), out) == 9001
    assert out.read_text(encoding="utf-8").splitlines() == ["one", *lines]
    said = f"LM text {extra}: read as UTF-16 without a byte-order mark"
    assert (said in capsys.readouterr().out) == (encoding == "utf-16-le")
    extra.write_bytes("слово\n".encode("cp1251"))
    with pytest.raises(RecipeError, match="extra.txt.* cannot be read"):
        write_train_text(["one"], extra, get_rule("none"), out)


def test_a_tokenizer_spells_the_text_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "train.txt"
    text.touch()
    with pytest.raises(RecipeError, match="no training text"):
        lm_tokenizer(text, tmp_path / "lm", 18)
    text.write_text("\n".join(LINES) + "\n")
    first = lm_tokenizer(text, tmp_path / "lm", 18)
    assert first.vocab_size == 18
    assert [first.decode(first.encode(line)) for line in LINES] == LINES
    assert len(first.encode("THE")) < 4  # not letters
    with monkeypatch.context() as patch:
        patch.setattr(Tokenizer, "train", None)  # not called
        assert lm_tokenizer(text, tmp_path / "lm", 18).tokens == first.tokens
    assert lm_tokenizer(text, tmp_path / "lm", 16).vocab_size == 16
    text.write_text("\n".join([*LINES, "ZEBU"]) + "\n")
    assert "Z" in "".join(lm_tokenizer(text, tmp_path / "lm", 20).tokens)
    monkeypatch.setattr(module, "TOKENIZER_SENTENCES", 1)
    assert "R" not in "".join(lm_tokenizer(text, tmp_path / "lm", 14).tokens)


def ids(sentence: str) -> list[int]:
    return [int(word) for word in sentence.split()]


def test_token_ids_stand_between_zeros(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 2)  # in two blocks
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


def test_texts_that_cannot_be_tokenised(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no sentence"):
        write_token_text(["", ""], ids, 10, tmp_path / "t.bin")
    with pytest.raises(RecipeError, match="65537 tokens; at most 65536"):
        write_token_text(["1"], ids, 65537, tmp_path / "t.bin")
    assert not list(tmp_path.iterdir())
