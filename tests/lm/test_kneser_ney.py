"""Our Kneser-Ney trainer: sums to one, equal to lmplz, hand-made counts."""

import itertools
import math
import random
from pathlib import Path

import kenlm
import pytest

from asr.lm.kenlm_tools import find_tool
from asr.lm.kneser_ney import (
    adjusted_counts,
    count_ngrams,
    estimate_discounts,
    train_kneser_ney,
    write_arpa,
)
from asr.lm.train_ngram import train_ngram

VOCABULARY = [f"W{i}" for i in range(400)]


def make_sentences(count: int = 2000, seed: int = 3) -> list[list[str]]:
    """Words of a skewed distribution that depends on the word before."""
    rng = random.Random(seed)
    sentences = []
    for _ in range(count):
        ranks = [int(rng.paretovariate(0.7)) % 400]
        for _ in range(rng.randint(0, 8)):
            ranks.append((ranks[-1] + int(rng.paretovariate(0.7))) % 400)
        sentences.append([VOCABULARY[rank] for rank in ranks])
    return sentences


def read_arpa(path: Path) -> dict[str, tuple[float, float]]:
    entries = {}
    for line in path.read_text().splitlines():
        fields = line.split("\t")
        if len(fields) > 1:
            backoff = float(fields[2]) if len(fields) > 2 else 0.0
            entries[fields[1]] = (float(fields[0]), backoff)
    return entries


def test_counts_by_hand() -> None:
    raw = count_ngrams([["A", "B"], ["B"]], 2)
    assert raw[1] == {
        ("<s>", "A"): 1,
        ("A", "B"): 1,
        ("B", "</s>"): 2,
        ("<s>", "B"): 1,
    }
    # B follows A and <s>; </s> only ever follows B; A only <s>.
    assert adjusted_counts(raw, 1) == {("A",): 1, ("B",): 2, ("</s>",): 1}
    assert adjusted_counts(raw, 2) is raw[1]


def test_counts_after_sentence_start_stay_plain() -> None:
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
    lm = kenlm.Model(str(tmp_path / "lm.arpa"))
    words = [gram[0] for gram in model.probs[0] if gram[0] != "<s>"]
    histories = [*itertools.product(words[:4], repeat=2), ("W1", "UNSEEN"), ()]
    for history in histories:
        state, after = kenlm.State(), kenlm.State()
        lm.BeginSentenceWrite(state)
        for word in history:
            lm.BaseScore(state, word, after)
            state, after = after, kenlm.State()
        total = sum(10 ** lm.BaseScore(state, word, after) for word in words)
        assert math.isclose(total, 1.0, abs_tol=1e-5)


@pytest.mark.skipif(find_tool("lmplz") is None, reason="lmplz is not installed")
@pytest.mark.parametrize("prune", [(0,), (0, 0, 1), (0, 1, 2)])
@pytest.mark.parametrize("size", [5, 2000])
def test_equals_lmplz(tmp_path: Path, prune: tuple[int, ...], size: int) -> None:
    text = tmp_path / "text"
    sentences = make_sentences(size)
    text.write_text("".join(" ".join(words) + "\n" for words in sentences))
    train_ngram(text, tmp_path / "a.arpa", 3, prune, find_tool("lmplz"))
    train_ngram(text, tmp_path / "b.arpa", 3, prune, None)
    theirs, ours = read_arpa(tmp_path / "a.arpa"), read_arpa(tmp_path / "b.arpa")
    assert theirs.keys() == ours.keys()
    for gram, values in theirs.items():
        assert ours[gram] == pytest.approx(values, abs=1e-4), gram
