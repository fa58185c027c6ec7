"""Alignments and counts beside those of Kaldi's rule, kaldialign and jiwer."""

import random
from functools import cache

import jiwer
import kaldialign
import numpy as np
import pytest

from asr.score import many
from asr.score.align import align
from asr.score.error_rate import ErrorRate, count_errors
from asr.score.many import align_all, count_characters
from tests.score.scorers import kaldi_counts, random_pairs

PAIRS = 10_000


def test_words_are_counted_as_by_kaldi_and_kaldialign() -> None:
    for ref, hyp in random_pairs(PAIRS):
        ours = align(ref, hyp).counts
        theirs = kaldialign.edit_distance(ref, hyp)
        assert ours.length == len(ref)
        assert (ours.ins, ours.dels, ours.subs) == kaldi_counts(ref, hyp)
        assert (ours.ins, ours.dels, ours.subs) == (
            theirs["ins"],
            theirs["del"],
            theirs["sub"],
        )


def test_jiwer_counts_as_many_errors() -> None:
    """Where the fewest edits can be made in different ways it may choose another."""
    total = ErrorRate.zero()
    refs, hyps = [], []
    for ref, hyp in random_pairs(PAIRS, seed=1):
        if ref:  # jiwer wants one
            refs.append(" ".join(ref))
            hyps.append(" ".join(hyp))
            ours = count_errors(ref, hyp)
            total += ours
            theirs = jiwer.process_words(refs[-1], hyps[-1])
            found = theirs.insertions, theirs.deletions, theirs.substitutions
            assert ours.errors == sum(found)
            assert ours.rate == pytest.approx(theirs.wer)
            assert ours.ins - ours.dels == found[0] - found[1]
    assert total.rate == pytest.approx(jiwer.wer(refs, hyps))
    characters = ErrorRate.total(count_characters(refs, hyps))
    assert characters.rate == pytest.approx(jiwer.cer(refs, hyps))


def test_alignments_hold_both_sides_and_what_they_say() -> None:
    for ref, hyp in random_pairs(PAIRS // 10, seed=2):
        aligned = align(ref, hyp)
        assert [r for r, _ in aligned.pairs if r is not None] == ref
        assert [h for _, h in aligned.pairs if h is not None] == hyp
        for (r, h), kind in zip(aligned.pairs, aligned.operations, strict=True):
            expected = {(True, False): "D", (False, True): "I"}
            kind_of = expected.get((h is None, r is None), "C" if r == h else "S")
            assert kind == kind_of


def test_large_sets_are_counted_by_the_same_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is compiled, which takes over where there is much to do."""
    rng = random.Random(3)
    texts = [
        ["".join(rng.choices("aé 😀", k=rng.randrange(30))) for _ in range(2)]
        for _ in range(500)
    ]
    refs, hyps = ([pair[side] for pair in texts] for side in (0, 1))
    pairs = list(random_pairs(PAIRS // 10, seed=4))
    words = [ref for ref, _ in pairs], [hyp for _, hyp in pairs]
    plain = count_characters(refs, hyps), align_all(*words)
    monkeypatch.setattr(many, "MANY", 0)
    for _ in range(2):
        assert (count_characters(refs, hyps), align_all(*words)) == plain
        monkeypatch.setattr(many, "LARGE", 0)
    assert count_characters([], []) == [] == align_all([], [])


def test_a_recording_of_hours() -> None:
    """10,000 words, more than a table of all pairs of words should take."""
    rng = np.random.default_rng(0)
    ref = [f"w{k}" for k in rng.integers(0, 500, 10_000)]
    hyp = [word for word in ref if rng.random() > 0.1]
    assert align(ref, hyp).counts == ErrorRate(0, len(ref) - len(hyp), 0, len(ref))


def distance(ref: tuple[str, ...], hyp: tuple[str, ...]) -> int:
    """Levenshtein distance by its definition."""

    @cache
    def rest(i: int, j: int) -> int:
        if i == len(ref) or j == len(hyp):
            return len(ref) - i + len(hyp) - j
        same = rest(i + 1, j + 1) + (ref[i] != hyp[j])
        return min(same, rest(i + 1, j) + 1, rest(i, j + 1) + 1)

    return rest(0, 0)


def test_no_alignment_has_fewer_errors() -> None:
    rng = random.Random(0)
    for _ in range(300):
        ref, hyp = (tuple(rng.choices("abc", k=rng.randrange(8))) for _ in range(2))
        assert count_errors(ref, hyp).errors == distance(ref, hyp)


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


def test_rate_of_an_empty_reference() -> None:
    assert ErrorRate.zero().rate == 0.0
    assert ErrorRate(3, 0, 0, 0).rate == 1.0
