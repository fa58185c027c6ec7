"""N-grams: fallbacks, equal files and cutoffs."""

from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.lm.kenlm_tools import find_tool
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import resolve_prune, train_ngram

TEXT = "A B C\nA B\nB C A\n"
LMPLZ = find_tool("lmplz")
TRAINERS = [
    None,
    pytest.param(
        LMPLZ, marks=pytest.mark.skipif(LMPLZ is None, reason="lmplz not installed")
    ),
]


@pytest.mark.parametrize("lmplz", TRAINERS)
def test_tiny_text_gets_fixed_discounts_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lmplz: Path | None
) -> None:
    text, arpa = tmp_path / "text", tmp_path / "lm.arpa"
    text.write_text(TEXT)
    train_ngram(text, arpa, 3, [0, 0, 1], lmplz)
    said = capsys.readouterr().out
    for n in (2, 3):
        assert f"{n}-gram counts are too few for discounts" in said
    assert ("not installed" in said) == (lmplz is None)
    lm = NgramLm(arpa)
    assert lm.order == 3
    assert "A" in lm
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lm.arpa", "text"]


@pytest.mark.parametrize("lmplz", TRAINERS)
def test_same_file_each_time(tmp_path: Path, lmplz: Path | None) -> None:
    text = tmp_path / "text"
    text.write_text(TEXT * 5)
    for name in ("a", "b"):
        train_ngram(text, tmp_path / name, 2, [0], lmplz)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_prune_is_resolved_per_order() -> None:
    assert resolve_prune(4, [0, 0, 1]) == [0, 0, 1, 1]
    assert resolve_prune(2, [0, 0, 1]) == [0, 0]
    assert resolve_prune(3, []) == [0, 0, 0]
    for order, prune in ((1, [0]), (7, [0]), (3, [1]), (3, [0, 2, 1])):
        with pytest.raises(RecipeError, match=r"lm\.(order|prune)"):
            resolve_prune(order, prune)
