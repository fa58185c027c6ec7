"""The text of the LM: normalised once, whole or not there."""

import gzip
from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.lm.train_text import write_train_text
from asr.text.normalize import get_rule


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
