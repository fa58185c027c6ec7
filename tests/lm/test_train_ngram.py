"""N-gram training: lmplz and our Kneser-Ney, sums to one, counts by hand, failures."""

import itertools
import math
import random
from pathlib import Path

import kenlm
import pytest

from asr.errors import RecipeError
from asr.lm import train_ngram as module
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import (
    adjusted_counts,
    build_binary,
    count_ngrams,
    estimate_discounts,
    find_tool,
    resolve_prune,
    train_kneser_ney,
    train_ngram,
    write_arpa,
)

TEXT = "A B C\nA B\nB C A\n"
LMPLZ = find_tool("lmplz")
needs_lmplz = pytest.mark.skipif(LMPLZ is None, reason="lmplz is not installed")
TRAINERS = [None, pytest.param(LMPLZ, marks=needs_lmplz)]


def make_sentences(count: int) -> list[list[str]]:
    """Words of a skewed distribution that depends on the word before."""
    rng = random.Random(3)
    sentences = []
    for _ in range(count):
        ranks = [int(rng.paretovariate(0.7)) % 400]
        for _ in range(rng.randint(0, 8)):
            ranks.append((ranks[-1] + int(rng.paretovariate(0.7))) % 400)
        sentences.append([f"W{rank}" for rank in ranks])
    return sentences


def read_ngrams(path: Path) -> dict[str, tuple[float, float]]:
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    return {
        row[1]: (float(row[0]), float(row[2]) if len(row) > 2 else 0.0)
        for row in rows
        if len(row) > 1
    }


def test_counts_by_hand() -> None:
    raw = count_ngrams([["A", "B"], ["B"]], 2)
    pairs = {("<s>", "A"): 1, ("A", "B"): 1, ("B", "</s>"): 2, ("<s>", "B"): 1}
    assert raw[1] == pairs
    # B follows A and <s>; </s> only ever follows B; A only <s>.
    assert adjusted_counts(raw, 1) == {("A",): 1, ("B",): 2, ("</s>",): 1}
    assert adjusted_counts(raw, 2) is raw[1]
    # Counts after the sentence's start stay plain.
    raw = count_ngrams([["A"]] * 3 + [["B", "A"]], 3)
    adjusted = adjusted_counts(raw, 2)
    assert adjusted["<s>", "A"] == 3
    assert adjusted["A", "</s>"] == 2  # after <s> and after B
    assert ("<s>",) not in adjusted_counts(raw, 1)


def test_discounts_by_hand() -> None:
    counts = [1] * 10 + [2] * 5 + [3] * 4 + [4] * 2 + [9]
    found = estimate_discounts({(str(i),): c for i, c in enumerate(counts)})
    y = 10 / 20
    expected = (1 - 2 * y * 5 / 10, 2 - 3 * y * 4 / 5, 3 - 4 * y * 2 / 4)
    assert found == pytest.approx(expected)
    assert estimate_discounts({("A",): 1, ("B",): 2}) is None


@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize("cutoffs", [(0, 0, 0, 0), (0, 1, 2, 2)])
@pytest.mark.parametrize("size", [3, 2000])
def test_every_context_sums_to_one(
    tmp_path: Path, order: int, cutoffs: tuple[int, ...], size: int
) -> None:
    """Read by KenLM: over all words, </s> and <unk>, after any history."""
    model = train_kneser_ney(make_sentences(size), order, cutoffs[:order])
    assert bool(model.fallback_orders) == (size == 3)
    write_arpa(model, tmp_path / "lm.arpa")
    lm = NgramLm(tmp_path / "lm.arpa")
    words = [gram[0] for gram in model.probs[0] if gram[0] != "<s>"]
    for history in [*itertools.product(words[:4], repeat=2), ("W1", "UNSEEN"), ()]:
        state = lm.begin()
        for word in history:
            _, state = lm.score(state, word)
        total = sum(math.exp(lm.score(state, word)[0]) for word in words)
        assert total == pytest.approx(1.0, abs=1e-5)


@needs_lmplz
@pytest.mark.parametrize("prune", [(0,), (0, 0, 1), (0, 1, 2)])
@pytest.mark.parametrize("size", [5, 2000])
def test_equals_lmplz(tmp_path: Path, prune: tuple[int, ...], size: int) -> None:
    text = tmp_path / "text"
    text.write_text("".join(" ".join(words) + "\n" for words in make_sentences(size)))
    train_ngram(text, tmp_path / "a.arpa", 3, prune, LMPLZ)
    train_ngram(text, tmp_path / "b.arpa", 3, prune, None)
    theirs, ours = read_ngrams(tmp_path / "a.arpa"), read_ngrams(tmp_path / "b.arpa")
    assert theirs.keys() == ours.keys()
    for gram, values in theirs.items():
        assert ours[gram] == pytest.approx(values, abs=1e-4), gram


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
    lm = kenlm.Model(str(arpa))
    assert lm.order == 3
    assert "A" in lm
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lm.arpa", "text"]
    content = arpa.read_bytes()
    train_ngram(text, arpa, 3, [0, 0, 1], lmplz)
    assert arpa.read_bytes() == content


def test_prune_is_resolved_per_order() -> None:
    assert resolve_prune(4, [0, 0, 1]) == [0, 0, 1, 1]
    assert resolve_prune(2, [0, 0, 1]) == [0, 0]
    assert resolve_prune(3, []) == [0, 0, 0]
    for order, prune in ((1, [0]), (7, [0]), (3, [1]), (3, [0, 2, 1])):
        with pytest.raises(RecipeError, match=r"lm\.(order|prune)"):
            resolve_prune(order, prune)


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


def test_failing_or_long_runs_print_lines(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.05)
    program = tmp_path / "lmplz"
    program.touch(0o755)
    for script, said in (
        ("echo first >&2\necho no space left >&2\necho >&2", "text: no space left"),
        ("sleep 0.2", "it said nothing"),
    ):
        program.write_text(f"#!/bin/sh\n{script}\nexit 1\n")
        with pytest.raises(RecipeError, match=f"lmplz failed on .*{said}"):
            train_ngram(tmp_path / "text", tmp_path / "lm.arpa", 3, [0], program)
        assert list(tmp_path.iterdir()) == [program]
    assert "lmplz: 0 s\nlmplz: 0 s\n" in capsys.readouterr().out
