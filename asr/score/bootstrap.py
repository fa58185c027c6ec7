"""Confidence intervals of error rates and their differences: Bisani and Ney's bootstrap.

"Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP
2004: the set is drawn anew, utterance by utterance with replacement, many times.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.score.error_rate import ErrorRate

REPLICATIONS, SEED = 10_000, 0
CHUNK = 500  # replications at a time, which bounds the memory
PERCENTILES = (2.5, 97.5)
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    """A value of the whole set, and its 95 % percentile interval, as fractions."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Two hypotheses of the same utterances."""

    first: Interval
    second: Interval
    difference: Interval  # the second error rate less the first
    improved: float  # share of the replications in which the second has fewer errors
    p: float  # two-sided, of a difference as large if there were none


def interval(
    errors: Sequence[ErrorRate], replications: int = REPLICATIONS, seed: int = SEED
) -> Interval:
    """Estimate the interval of an error rate from each utterance's counts."""
    sums = _resampled([(e.errors, e.length) for e in errors], replications, seed)
    return _interval(ErrorRate.total(errors).rate, _rates(sums[:, 0], sums[:, 1]))


def compare(
    first: Sequence[ErrorRate],
    second: Sequence[ErrorRate],
    replications: int = REPLICATIONS,
    seed: int = SEED,
) -> Comparison:
    """Compare two hypotheses by their counts of the same utterances, in one order.

    Each replication draws the same utterances for both.
    """
    pairs = zip(first, second, strict=True)
    sums = _resampled(
        [(a.errors, b.errors, a.length) for a, b in pairs], replications, seed
    )
    rates = [_rates(sums[:, side], sums[:, 2]) for side in (0, 1)]
    values = [ErrorRate.total(side).rate for side in (first, second)]
    gained = rates[1] - rates[0]
    # One more than were counted: the set itself is a replication too (Davison and
    # Hinkley, "Bootstrap methods and their application", 1997, section 4.2).
    tails = [int((gained <= 0).sum()) + 1, int((gained >= 0).sum()) + 1]
    return Comparison(
        _interval(values[0], rates[0]),
        _interval(values[1], rates[1]),
        _interval(values[1] - values[0], gained),
        float((gained < 0).mean()),
        min(1.0, 2 * min(tails) / (replications + 1)),
    )


def _resampled(table: Sequence[tuple[int, ...]], replications: int, seed: int) -> Ints:
    """Sum the columns over each replication: (replications, columns).

    Utterances with the same row cannot be told apart, so it is drawn how often each
    row comes, instead of utterance by utterance.
    """
    if not table:
        return np.zeros((replications, 3), np.int64)
    rows, counts = np.unique(table, axis=0, return_counts=True)
    rng, shares = np.random.default_rng(seed), counts / len(table)
    sizes = (min(CHUNK, replications - n) for n in range(0, replications, CHUNK))
    drawn = [rng.multinomial(len(table), shares, size) @ rows for size in sizes]
    return np.concatenate(drawn)


def _rates(errors: Ints, lengths: Ints) -> Floats:
    """Divide as ``ErrorRate.rate`` does, also where there are no reference words."""
    return np.where(lengths > 0, errors / np.maximum(lengths, 1), 1.0 * (errors > 0))


def _interval(value: float, replicated: Floats) -> Interval:
    low, high = np.percentile(replicated, PERCENTILES)
    return Interval(value, float(low), float(high))
