"""Which scales to try next: a search that decodes little and reranks much.

The whole grid is scored on the hypotheses at hand; the points that look best are
decoded; what that finds joins the hypotheses, until the grid's best point is one that
was decoded (as Och, ACL 2003, iterates between decoding and choosing weights). Only
errors of real searches decide in the end.

What a beam has pruned at one point it may find at another, the more so the weaker the
acoustics are. Where lists do not tell enough the best point's surroundings can be decoded
too, in smaller and smaller steps (Hooke and Jeeves, "Direct search solution of numerical
and statistical problems", JACM 1961).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from asr.decode.candidates import Candidates, Errors, Point
from asr.decode.hypothesis import Hypothesis

Nbest = Mapping[str, Sequence[Hypothesis]]
Decode = Callable[[Sequence[Point]], Sequence[Nbest]]

ROUNDS = 6
NEW_POINTS = 3  # decoded in a round, after the first
PARTS: Sequence[int] = (
    4,
    8,
    1000,
)  # steps from the best point: of an axis, at last to the next value


@dataclass(frozen=True)
class Surface:
    """Errors on dev over a grid of scales.

    Attributes:
        axes: the values of each scale, ascending.
        reranked: errors at every point of the grid, chosen among the hypotheses of all
            searches together.
        decoded: errors of the points that were really decoded.
        best: the point taken.
    """

    axes: tuple[tuple[float, ...], ...]
    reranked: Mapping[Point, Errors]
    decoded: Mapping[Point, Errors]
    best: Point


def search_scales(
    decode: Decode,
    candidates: Candidates,
    axes: Sequence[Sequence[float]],
    first: Sequence[Point],
    explore: Decode | None = None,
    known: Mapping[Point, Errors] | None = None,
    parts: Sequence[int] = (),
) -> Surface:
    """Find the scales with the fewest errors.

    Args:
        decode: really searches the dev set at some points.
        candidates: takes what is found.
        axes: the values of each scale that are tried.
        first: points of the grid to begin with.
        explore: finds hypotheses for these points, more than ``decode`` would; by
            default ``decode`` does it.
        known: points of the grid that were decoded before.
        parts: of an axis, by which the surroundings of the best point are stepped
            through, the largest steps first (``PARTS``).

    Of the decoded points the one with the fewest word errors is taken; of equals the
    one with the fewest character errors, then the one with the better neighbourhood.
    """
    values = tuple(tuple(sorted(set(axis))) for axis in axes)
    grid = list(product(*values))
    decoded = dict(known or {})
    wanted = [point for point in dict.fromkeys(first) if point not in decoded]
    if explore is not None:
        for point, nbest in zip(wanted, explore(wanted), strict=True):
            candidates.add(point, nbest)
        wanted = []
    for _ in range(ROUNDS):
        _decode(wanted, decode, candidates, decoded)
        if decoded:
            _descend(decode, candidates, decoded, values, parts)
        reranked = dict(zip(grid, candidates.errors(grid), strict=True))
        order = sorted(grid, key=_rank(reranked, values))
        wanted = next_points(order, reranked, decoded, values)
        if not wanted:
            break
    places = {point: place for place, point in enumerate(order)}
    best = min(decoded, key=lambda p: (*_errors(decoded[p]), places[p]))
    return Surface(values, reranked, decoded, best)


def _decode(
    points: Sequence[Point],
    decode: Decode,
    candidates: Candidates,
    decoded: dict[Point, Errors],
) -> None:
    """Decode points, if there are any, and keep what comes of it."""
    found = decode(points) if points else []
    for point, nbest in zip(points, found, strict=True):
        decoded[point] = candidates.add(point, nbest)


def _descend(
    decode: Decode,
    candidates: Candidates,
    decoded: dict[Point, Errors],
    axes: Sequence[Sequence[float]],
    parts: Sequence[int],
) -> None:
    """Go from the best decoded point to better ones, until none near it is better."""
    for part in parts:
        best = None
        while best != (best := min(decoded, key=lambda p: _errors(decoded[p]))):
            near = around(best, axes, part)
            wanted = [point for point in near if point not in decoded]
            _decode(wanted, decode, candidates, decoded)


def around(point: Point, axes: Sequence[Sequence[float]], part: int) -> list[Point]:
    """The points one step away along each axis, a step being such a part of it."""
    at, near = _index(point, axes), []
    for k, axis in enumerate(axes):
        step = max(1, len(axis) // part)
        for i in (max(0, at[k] - step), min(len(axis) - 1, at[k] + step)):
            near.append((*point[:k], axis[i], *point[k + 1 :]))
    return [other for other in dict.fromkeys(near) if other != point]


def widened(axis: Sequence[float], best: float) -> tuple[float, ...]:
    """The values of an axis and, where the best is an end of it, as many again there.

    In steps of the size of its last one. An end that is 0 or more stays the least value:
    a scale that is positive by its nature has such a one.
    """
    values = tuple(axis)
    if len(values) < 3:
        return values
    if best == values[-1]:
        step = values[-1] - values[-2]
        more = (values[-1] + step * n for n in range(1, len(values)))
        return (*values, *(round(x, 6) for x in more))
    if best == values[0] < 0:
        step = values[1] - values[0]
        more = (values[0] - step * n for n in range(len(values) - 1, 0, -1))
        return (*(round(x, 6) for x in more), *values)
    return values


def next_points(
    order: Sequence[Point],
    reranked: Mapping[Point, Errors],
    decoded: Mapping[Point, Errors],
    axes: Sequence[Sequence[float]],
) -> list[Point]:
    """Points to decode next, promising ones first; none if the best is known.

    Promising is what would make fewer errors than all that was decoded, or what looks
    best of all and was not decoded. No two of them are neighbours: they would tell the
    same.
    """
    known = [_errors(errors) for errors in decoded.values()]
    fewest = min(known, default=(math.inf, math.inf))
    wanted: list[Point] = []
    for place, point in enumerate(order):
        if len(wanted) == NEW_POINTS or _errors(reranked[point]) > fewest:
            break
        better = _errors(reranked[point]) < fewest or place == 0
        if point not in decoded and better and not _near(point, wanted, axes):
            wanted.append(point)
    return wanted


def _errors(errors: Errors) -> tuple[int, int]:
    return errors[0].errors, errors[1].errors


def _near(
    point: Point, others: Sequence[Point], axes: Sequence[Sequence[float]]
) -> bool:
    """Whether one of the others is at most one step away along every axis."""
    at = _index(point, axes)
    return any(
        max(abs(i - j) for i, j in zip(at, _index(other, axes), strict=True)) <= 1
        for other in others
    )


def _index(point: Point, axes: Sequence[Sequence[float]]) -> tuple[int, ...]:
    return tuple(axis.index(x) for axis, x in zip(axes, point, strict=True))


def _rank(
    reranked: Mapping[Point, Errors], axes: Sequence[Sequence[float]]
) -> Callable[[Point], tuple[float, ...]]:
    """Fewest word errors, then character errors, then those of the neighbourhood.

    A minimum between good points holds for other speech too; one beside bad points is
    often chance. Where nothing changes, the middle of the grid is taken.
    """
    shape = tuple(len(axis) for axis in axes)
    words = np.array([reranked[p][0].errors for p in product(*axes)], dtype=np.float64)
    padded = np.pad(words.reshape(shape), 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5,) * len(shape))
    around = windows.mean(axis=tuple(range(len(shape), 2 * len(shape))))

    def rank(point: Point) -> tuple[float, ...]:
        at = _index(point, axes)
        aside = sum(abs(2 * i + 1 - n) / n for i, n in zip(at, shape, strict=True))
        return (*_errors(reranked[point]), float(around[at]), aside)

    return rank
