"""The text of the LM: normalised once, whole or not there."""

import gzip
from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.lm.train_text import write_train_text


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
