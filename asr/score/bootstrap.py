"""How sure an error rate is, and the difference of two: Bisani and Ney's bootstrap.

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
    """A value of the whole set, and its 95 % percentile interval; fractions."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Two hypotheses of the same utterances.

    Attributes:
        difference: the second error rate less the first.
        improved: share of the replications in which the second has fewer errors.
        p: two-sided, of a difference as large if there were none.
    """

    first: Interval
    second: Interval
    difference: Interval
    improved: float
    p: float


def interval(
    errors: Sequence[ErrorRate], replications: int = REPLICATIONS, seed: int = SEED
) -> Interval:
    """The error rate of utterances, with its interval.

    Args:
        errors: the counts of each utterance.
    """
    table = np.array([(e.errors, e.length) for e in errors], np.int64).reshape(-1, 2)
    sums = _resampled(table, replications, seed)
    return _interval(ErrorRate.total(errors).rate, _rates(sums[:, 0], sums[:, 1]))


def compare(
    first: Sequence[ErrorRate],
    second: Sequence[ErrorRate],
    replications: int = REPLICATIONS,
    seed: int = SEED,
) -> Comparison:
    """Compare two hypotheses; each replication draws the same utterances for both.

    Args:
        first, second: counts of each utterance, in the same order.
    """
    table = np.array(
        [(a.errors, b.errors, a.length) for a, b in zip(first, second, strict=True)],
        np.int64,
    ).reshape(-1, 3)
    sums = _resampled(table, replications, seed)
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


def _resampled(table: Ints, replications: int, seed: int) -> Ints:
    """Sums of the columns over each replication, (replications, columns).

    Utterances with the same row cannot be told apart, so it is drawn how often each
    row comes, instead of utterance by utterance.
    """
    if not len(table):
        return np.zeros((replications, table.shape[1]), np.int64)
    rows, counts = np.unique(table, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    sums = np.empty((replications, table.shape[1]), np.int64)
    for begin in range(0, replications, CHUNK):
        part = sums[begin : begin + CHUNK]
        part[:] = rng.multinomial(len(table), counts / len(table), len(part)) @ rows
    return sums


def _rates(errors: Ints, lengths: Ints) -> Floats:
    """As ``ErrorRate.rate``, also where a replication has no reference words."""
    rates: Floats = np.where(
        lengths > 0, errors / np.maximum(lengths, 1), (errors > 0).astype(np.float64)
    )
    return rates


def _interval(value: float, replicated: Floats) -> Interval:
    low, high = np.percentile(replicated, PERCENTILES)
    return Interval(value, float(low), float(high))
