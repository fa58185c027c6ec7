"""Grapheme-to-phoneme conversion against listings, other estimates and known rules."""

import itertools
import math
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from asr.errors import RecipeError
from asr.lm.train_ngram import train_kneser_ney
from asr.text import g2p_align
from asr.text.g2p import BEAM, FIRST_UNIT, G2p, train_g2p
from asr.text.g2p_align import Entry, align, split_code
from asr.text.g2p_file import load_g2p, save_g2p
from asr.text.g2p_ngram import train_unit_ngram


def alignments(entry: Entry) -> list[tuple[tuple[int, tuple[int, ...]], ...]]:
    """All ways to give each letter no phone, one or two."""
    found = []
    for counts in itertools.product(range(3), repeat=len(entry.letters)):
        if sum(counts) == len(entry.phones):
            ends = np.cumsum(counts).tolist()
            parts = [entry.phones[e - n : e] for n, e in zip(counts, ends, strict=True)]
            found.append(tuple(zip(entry.letters, parts, strict=True)))
    return found


def test_alignment_is_that_of_expectation_maximisation_by_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(g2p_align, "ROUNDS", 3)
    rng = random.Random(0)
    entries = [
        Entry(
            tuple(rng.choices(range(3), k=rng.randint(1, 4))),
            tuple(rng.choices(range(1, 4), k=rng.randint(1, 5))),
        )
        for _ in range(40)
    ]
    weights: dict[tuple[int, tuple[int, ...]], float] = defaultdict(lambda: 1.0)
    for _ in range(3):
        counts: dict[tuple[int, tuple[int, ...]], float] = defaultdict(float)
        for entry in entries:
            ways = alignments(entry)
            scores = [math.prod(weights[pair] for pair in way) for way in ways]
            for way, score in zip(ways, scores, strict=True):
                for pair in way:
                    counts[pair] += score / sum(scores)
        weights = defaultdict(
            float, {pair: n / sum(counts.values()) for pair, n in counts.items()}
        )
    for entry, codes in zip(entries, align(entries, 3, 3), strict=True):
        ways = alignments(entry)
        assert (codes is None) == (not ways)
        if codes is None:
            continue
        found = tuple(split_code(code, 3) for code in codes)
        assert found in ways
        best = max(math.prod(weights[pair] for pair in way) for way in ways)
        ours = math.prod(weights[pair] for pair in found)
        assert ours == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_ngram_is_the_kneser_ney_of_words(order: int) -> None:
    """Unit 7 never comes: it has the place of the words' <unk>."""
    rng = random.Random(order)
    sequences = [rng.choices(range(2, 7), k=rng.randint(0, 6)) for _ in range(60)]
    words = [[str(unit) for unit in sequence] for sequence in sequences]
    reference = train_kneser_ney(words, order, [0] * order)
    model = train_unit_ngram(sequences, 8, order)
    name = {0: "<s>", 1: "</s>"}
    for length in range(order):
        for history in itertools.product(range(2, 7), repeat=length):
            states = np.array([model.begin])
            for unit in history:
                _, states = model.follow(states, np.array([unit]))
            scores, _ = model.follow(np.repeat(states, 7), np.arange(1, 8))
            assert np.exp(scores[:-1]).sum() < 1.0 + 1e-6
            context = ("<s>", *(str(unit) for unit in history))[-order + 1 :]
            for unit, score in zip(range(1, 7), scores, strict=False):
                expected = kneser_ney(reference, context, name.get(unit, str(unit)))
                assert score == pytest.approx(expected, abs=1e-5)


def kneser_ney(model: object, context: tuple[str, ...], word: str) -> float:
    probs, backoffs = model.probs, model.backoffs  # type: ignore[attr-defined]
    gram = (*context, word)
    if gram in probs[len(context)]:
        return math.log(probs[len(context)][gram])
    if not context:
        return -math.inf
    gamma = backoffs[len(context) - 1].get(context, 1.0)
    return math.log(gamma) + kneser_ney(model, context[1:], word)


def soft_and_hard_c(word: str) -> tuple[str, ...]:
    """C is S before E and I, else K; E at the end is silent; X is two phones."""
    said: list[str] = []
    for i, letter in enumerate(word):
        after = word[i + 1 : i + 2]
        if letter == "C":
            said.append("S" if after in ("E", "I") else "K")
        elif letter == "X":
            said += ["K", "S"]
        elif not (letter == "E" and not after):
            said.append({"A": "AA", "E": "EH", "I": "IH", "T": "T", "N": "N"}[letter])
    return tuple(said)


@pytest.fixture(scope="module")
def model() -> G2p:
    rng = random.Random(0)
    words = {"".join(rng.choices("ACEITNX", k=rng.randint(2, 7))) for _ in range(600)}
    return train_g2p({w: [soft_and_hard_c(w)] for w in sorted(words)}, order=4)


def test_rules_are_learned(model: G2p) -> None:
    rng = random.Random(1)
    words = {"".join(rng.choices("ACEITNX", k=rng.randint(3, 9))) for _ in range(200)}
    found = model.pronounce(words)
    right = sum(found.get(word) == soft_and_hard_c(word) for word in words)
    assert right >= 0.97 * len(words)


def test_the_search_finds_the_likeliest(model: G2p) -> None:
    """Of all sequences of graphones, not the beam's only."""
    for word in ("CE", "XAC", "TICE"):
        choices = [
            [n for n, (c, _) in enumerate(model.graphones, FIRST_UNIT) if c == letter]
            for letter in word
        ]
        assert all(len(some) < BEAM for some in choices)
        scores = {}
        for units in itertools.product(*choices):
            states, total = np.array([model.ngram.begin]), 0.0
            for unit in (*units, 1):
                score, states = model.ngram.follow(states, np.array([unit]))
                total += float(score[0])
            scores[units] = total
        best = max(scores, key=lambda units: scores[units])
        said = [p for unit in best for p in model.graphones[unit - FIRST_UNIT][1]]
        assert model.pronounce([word]) == {word: tuple(said)}


def test_what_letters_do_not_tell_is_left_out(model: G2p) -> None:
    """Letters never seen, no letters, and a word that is all silent."""
    assert model.pronounce(["Q1", "", "É"]) == {}
    assert list(model.pronounce(["CAT", "CAT", "Q"])) == ["CAT"]


def test_file(model: G2p, tmp_path: Path) -> None:
    path = tmp_path / "g2p.npz"
    save_g2p(model, path)
    first = path.read_bytes()
    save_g2p(load_g2p(path), path)
    assert path.read_bytes() == first
    words = ["CACE", "XENIT", "TAXI", "NNNN"]
    assert load_g2p(path).pronounce(words) == model.pronounce(words)
    path.write_bytes(first[:100])
    with pytest.raises(RecipeError, match="redo stage 3"):
        load_g2p(path)
