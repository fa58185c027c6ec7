"""Alignments and counts beside those of Kaldi's rule, kaldialign and jiwer."""

import jiwer
import kaldialign
import numpy as np
import pytest

from asr.score import error_rate
from asr.score.error_rate import (
    LONG,
    ErrorRate,
    align,
    count_characters,
    count_errors,
    oracle_errors,
)
from tests.score.scorers import kaldi_counts, random_pairs

PAIRS = 10_000


def test_words_are_aligned_as_by_kaldi_and_kaldialign(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pairs = list(random_pairs(PAIRS))
    counts = [ErrorRate(*kaldi_counts(ref, hyp), len(ref)) for ref, hyp in pairs]
    theirs = [kaldialign.align(ref, hyp, "") for ref, hyp in pairs]
    for long in 0, LONG:  # by bit vectors, by kaldialign
        monkeypatch.setattr(error_rate, "LONG", long)
        aligned = [align(ref, hyp) for ref, hyp in pairs]
        assert [found.pairs for found in aligned] == theirs
        assert [found.counts for found in aligned] == counts
        assert [count_errors(ref, hyp) for ref, hyp in pairs] == counts


def test_jiwer_counts_as_many_errors() -> None:
    """Where the fewest edits can be made in different ways it may choose another."""
    total = characters = ErrorRate.zero()
    refs, hyps = [], []
    for ref, hyp in random_pairs(PAIRS, seed=1):
        if ref:  # jiwer wants one
            refs.append(" ".join(ref))
            hyps.append(" ".join(hyp))
            ours = count_errors(ref, hyp)
            total += ours
            characters += count_errors(refs[-1], hyps[-1])
            theirs = jiwer.process_words(refs[-1], hyps[-1])
            found = theirs.insertions, theirs.deletions, theirs.substitutions
            assert ours.errors == sum(found)
            assert ours.rate == pytest.approx(theirs.wer)
            assert ours.ins - ours.dels == found[0] - found[1]
    assert total.rate == pytest.approx(jiwer.wer(refs, hyps))
    assert characters.rate == pytest.approx(jiwer.cer(refs, hyps))


@pytest.mark.parametrize("kept_bits", [1, 20, 400])
def test_columns_are_computed_again_where_they_were_not_kept(
    kept_bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = list(random_pairs(PAIRS // 10, seed=4))
    whole = [align(*pair).operations for pair in pairs]
    monkeypatch.setattr(error_rate, "LONG", 0)
    monkeypatch.setattr(error_rate, "KEPT_BITS", kept_bits)
    assert [align(*pair).operations for pair in pairs] == whole


def test_large_sets_are_counted_by_the_same_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where there is much to count, a compiled function takes over."""
    pairs = [*random_pairs(PAIRS // 10, seed=4), (list("aé 😀b"), list("é 😀 ab"))]
    refs, hyps = (["".join(pair[side]) for pair in pairs] for side in (0, 1))
    plain = count_characters(refs, hyps)
    assert plain == [align(*pair).counts for pair in zip(refs, hyps, strict=True)]
    monkeypatch.setattr(error_rate, "COMPILED", 0)
    assert count_characters(refs, hyps) == plain
    assert count_characters([], []) == []


def test_a_recording_of_hours() -> None:
    """10,000 words, more than a table of all pairs of words should take."""
    rng = np.random.default_rng(0)
    ref = [f"w{k}" for k in rng.integers(0, 500, 10_000)]
    hyp = [word for word in ref if rng.random() > 0.1]
    assert align(ref, hyp).counts == ErrorRate(0, len(ref) - len(hyp), 0, len(ref))


@pytest.mark.parametrize(
    ("ref", "hyp", "ins", "dels", "subs"),
    [
        ("A B C", "A B C", 0, 0, 0),
        ("A B C", "A C", 0, 1, 0),
        ("A C", "A B C", 1, 0, 0),
        ("A B C", "A X C", 0, 0, 1),
        ("A B", "", 0, 2, 0),
        ("", "A", 1, 0, 0),
        ("", "", 0, 0, 0),
        ("*** A", "A", 0, 1, 0),
    ],
)
def test_hand_made_cases(ref: str, hyp: str, ins: int, dels: int, subs: int) -> None:
    expected = ErrorRate(ins, dels, subs, len(ref.split()))
    assert count_errors(ref.split(), hyp.split()) == expected
    assert align(ref.split(), hyp.split()).counts == expected


def test_counts_only_add_up() -> None:
    parts = [ErrorRate(1, 2, 3, 10), ErrorRate(4, 0, 0, 0), ErrorRate.zero()]
    assert ErrorRate.total(parts) == sum(parts, ErrorRate.zero())
    assert ErrorRate.total(parts) == ErrorRate(5, 2, 3, 10)
    assert ErrorRate.total([]) == ErrorRate.zero()
    assert ErrorRate.total(parts).rate == pytest.approx(1.0)
    assert ErrorRate.zero().rate == 0.0
    assert ErrorRate(3, 0, 0, 0).rate == 1.0


def test_the_nearest_hypothesis_of_an_nbest_list_counts() -> None:
    refs = {"a": "one two three", "b": "four", "c": ""}
    nbest = {
        "a": ["one", "one two tree", "two three four"],  # 2, 1, 2 errors
        "b": ["five six", "four"],
        "c": ["seven"],
        "untold": ["eight"],
    }
    assert oracle_errors(refs, nbest) == ErrorRate(1, 0, 1, 4)
