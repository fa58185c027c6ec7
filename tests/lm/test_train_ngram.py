"""Training text, tools, fallbacks and bad input of the LM stage."""

import gzip
from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.lm import train_ngram as module
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import (
    build_binary,
    find_tool,
    resolve_prune,
    train_ngram,
    write_train_text,
)

TEXT = "A B C\nA B\nB C A\n"
LMPLZ = find_tool("lmplz")
TRAINERS = [
    None,
    pytest.param(
        LMPLZ, marks=pytest.mark.skipif(LMPLZ is None, reason="lmplz not installed")
    ),
]


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


@pytest.mark.skipif(find_tool("build_binary") is None, reason="not installed")
@pytest.mark.parametrize("kind", ["trie", "probing"])
def test_binary_scores_like_the_arpa(tmp_path: Path, kind: str) -> None:
    text, arpa, binary = (tmp_path / n for n in ("text", "lm.arpa", "lm.bin"))
    text.write_text(TEXT * 5)
    train_ngram(text, arpa, 3, [0], None)
    program = find_tool("build_binary")
    assert program is not None
    build_binary(program, arpa, binary, kind)
    expected = NgramLm(arpa).sentence("A B X C".split())
    assert NgramLm(binary).sentence("A B X C".split()) == pytest.approx(expected)
    arpa.write_text("broken")
    with pytest.raises(RecipeError, match="build_binary failed"):
        build_binary(program, arpa, tmp_path / "other.bin", kind)
    with pytest.raises(RecipeError, match="choose trie or probing"):
        build_binary(program, arpa, binary, "tree")


def test_failing_lmplz_is_one_line(tmp_path: Path) -> None:
    program = tmp_path / "lmplz"
    program.write_text("#!/bin/sh\necho first >&2\necho no space left >&2\nexit 1\n")
    program.chmod(0o755)
    text = tmp_path / "text"
    text.write_text(TEXT)
    with pytest.raises(RecipeError, match="lmplz failed on .*text: no space left"):
        train_ngram(text, tmp_path / "lm.arpa", 3, [0], program)
    assert not (tmp_path / "lm.arpa").exists()


def test_long_runs_print_lines(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.05)
    program = tmp_path / "lmplz"
    program.write_text("#!/bin/sh\nsleep 0.2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(RecipeError, match="it said nothing"):
        train_ngram(tmp_path / "text", tmp_path / "lm.arpa", 3, [0], program)
    assert capsys.readouterr().out.startswith("lmplz: 0 s\nlmplz: 0 s\n")


def test_prune_is_resolved_per_order() -> None:
    assert resolve_prune(4, [0, 0, 1]) == [0, 0, 1, 1]
    assert resolve_prune(2, [0, 0, 1]) == [0, 0]
    assert resolve_prune(3, []) == [0, 0, 0]
    for order, prune in ((1, [0]), (7, [0]), (3, [1]), (3, [0, 2, 1])):
        with pytest.raises(RecipeError, match=r"lm\.(order|prune)"):
            resolve_prune(order, prune)
