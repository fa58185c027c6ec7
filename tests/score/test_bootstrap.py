"""Intervals beside all possible resamplings, and beside kaldialign's."""

import itertools
import random

import kaldialign
import numpy as np
import pytest

from asr.score.bootstrap import compare, interval
from asr.score.error_rate import ErrorRate, count_errors
from tests.score.scorers import random_pairs


def errors(*counts: tuple[int, int]) -> list[ErrorRate]:
    """From (substitutions, words)."""
    return [ErrorRate(0, 0, subs, length) for subs, length in counts]


FIRST = errors((1, 4), (0, 3), (3, 5), (3, 5), (2, 2))
SECOND = errors((0, 4), (1, 3), (1, 5), (2, 5), (2, 2))


def every_resample() -> list[tuple[float, float]]:
    """Both error rates of all 5 ** 5 ways to draw the five utterances."""
    found = []
    for drawn in itertools.product(range(5), repeat=5):
        sides = (ErrorRate.total(side[i] for i in drawn) for side in (FIRST, SECOND))
        found.append(tuple(side.rate for side in sides))
    return found


def test_shares_are_those_of_all_resamples() -> None:
    rates = np.array(every_resample())
    gained = rates[:, 1] - rates[:, 0]
    found = compare(FIRST, SECOND, replications=40_000)
    assert found.improved == pytest.approx((gained < -1e-12).mean(), abs=0.01)
    exact = 2 * min((gained <= 1e-12).mean(), (gained >= -1e-12).mean())
    assert found.p == pytest.approx(exact, abs=0.02)
    for ours, exactly in zip(
        (found.first, found.second, found.difference),
        (rates[:, 0], rates[:, 1], gained),
        strict=True,
    ):
        low, high = np.percentile(exactly, (2.5, 97.5))
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.02)
    assert found.difference.value == pytest.approx((6 - 9) / 19)


def test_interval_is_kaldis_where_there_are_many_utterances() -> None:
    refs, hyps = zip(*[p for p in random_pairs(600, seed=5) if p[0]], strict=True)
    ours = interval(list(map(count_errors, refs, hyps)))
    theirs = kaldialign.bootstrap_wer_ci(refs, hyps)
    assert ours.value == pytest.approx(theirs["wer"], rel=0.01)
    width = theirs["ci95max"] - theirs["ci95min"]
    assert ours.low == pytest.approx(theirs["ci95min"], abs=0.05 * width)
    assert ours.high == pytest.approx(theirs["ci95max"], abs=0.05 * width)


def test_probability_of_improving_is_kaldis() -> None:
    rng = random.Random(6)
    refs = [[rng.choice("abc") for _ in range(5)] for _ in range(60)]
    worse, better = (
        [[w if rng.random() > rate else "x" for w in ref] for ref in refs]
        for rate in (0.3, 0.26)
    )
    counts = [list(map(count_errors, refs, side)) for side in (worse, better)]
    theirs = kaldialign.bootstrap_wer_ci(refs, worse, better)["p_s2_improv_over_s1"]
    assert 0.1 < theirs < 0.999
    assert compare(*counts).improved == pytest.approx(theirs, abs=0.02)


def test_the_same_hypothesis_is_no_better() -> None:
    found = compare(FIRST, FIRST)
    assert (found.p, found.improved) == (1.0, 0.0)
    assert (found.difference.low, found.difference.high) == (0.0, 0.0)
    assert found.first == found.second


def test_p_without_any_difference_is_spread_evenly() -> None:
    """Two hypotheses of the same quality: about a tenth of the p are below 0.1."""
    rng = np.random.default_rng(7)
    small = 0
    for _ in range(300):
        subs = rng.binomial(8, 0.2, (2, 80))
        sides = [errors(*((int(n), 8) for n in row)) for row in subs]
        small += compare(*sides, replications=400).p < 0.1
    assert small / 300 == pytest.approx(0.1, abs=0.05)


def test_same_seed_same_interval() -> None:
    assert interval(FIRST) == interval(FIRST)
    assert interval(FIRST, 50) != interval(FIRST, 50, seed=1)


def test_without_words_or_utterances() -> None:
    zero, inserted = [ErrorRate.zero()], [ErrorRate(2, 0, 0, 0)]
    for counts, rate in (([], 0.0), (zero, 0.0), (inserted, 1.0)):
        found = interval(counts)
        assert (found.low, found.value, found.high) == (rate, rate, rate)
