"""Hypotheses of the dev utterances, to be ranked anew by any scales.

The cache of minimum error rate training (Och, ACL 2003): the n-best lists of all
searches so far are merged, and since a hypothesis' score is linear in the scales, what
other scales would choose of them is one matrix product.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from asr.decode.hypothesis import Feature, Hypothesis
from asr.score.error_rate import ErrorRate, count_errors

Point = tuple[float, ...]  # one value for each scale
Errors = tuple[ErrorRate, ErrorRate]  # of words, of characters
# By text, tokens and, of a single path, its scores.
Rows = dict[tuple[str, tuple[int, ...], tuple[float, ...]], NDArray[np.float64]]

NEVER = -1e30  # ln, the rest of a score that must not win
CHUNK = 256  # points scored at a time, which bounds the memory


class Candidates:
    """The merged n-best lists.

    Args:
        refs: transcripts of the utterances.
        features: for each scale what it is multiplied by in a hypothesis' score.
    """

    def __init__(self, refs: Mapping[str, str], features: Sequence[Feature]) -> None:
        self._refs = refs
        self._features = features
        self._rows: dict[str, Rows] = {id_: {} for id_ in refs}
        self._counts: dict[tuple[str, str], NDArray[np.int64]] = {}

    def add(self, point: Point, nbest: Mapping[str, Sequence[Hypothesis]]) -> Errors:
        """Merge what a search with the scales ``point`` has found for all utterances.

        Returns:
            The errors of the best hypotheses: the real ones of this point.
        """
        total = np.zeros(8, dtype=np.int64)
        for id_, hyps in nbest.items():
            total += self._count(id_, hyps[0].text)
            for hyp in hyps:
                row = self._row(point, hyp)
                # A graph's paths have no tokens. Of the same words other scales take
                # another path, by an n-gram or by backing off, and none is the better.
                path = () if hyp.tokens else tuple(row.round(3).tolist())
                key = (hyp.text, hyp.tokens, path)
                known = self._rows[id_].get(key)
                # Found again: the more of its alignments were kept, the better.
                if known is None or row[0] > known[0]:
                    self._rows[id_][key] = row
        return _errors(total)

    def errors(self, points: Sequence[Point]) -> list[Errors]:
        """What each point would choose of all the hypotheses so far, and its errors."""
        totals = np.zeros((len(points), 8), dtype=np.int64)
        scales = np.array(points, dtype=np.float64).T  # (K, P)
        for id_, rows in self._rows.items():
            counts = np.stack([self._count(id_, text) for text, *_ in rows])
            table = np.stack(
                list(rows.values())
            )  # (H, 2 + K): am_score, rest, features
            for begin in range(0, len(points), CHUNK):
                part = slice(begin, begin + CHUNK)
                scores = table[:, 2:] @ scales[:, part] + table[:, :2].sum(1)[:, None]
                totals[part] += counts[scores.argmax(axis=0)]
        return [_errors(total) for total in totals]

    def _row(self, point: Point, hyp: Hypothesis) -> NDArray[np.float64]:
        """Acoustic score, what else no scale changes, and the features."""
        values = [feature(hyp) for feature in self._features]
        scaled = sum(s * v for s, v in zip(point, values, strict=True))
        rest = hyp.score - hyp.am_score - scaled
        if hyp.failed or not all(map(math.isfinite, (hyp.am_score, rest, *values))):
            return np.array([NEVER, 0.0, *(0.0 for _ in values)])
        return np.array([hyp.am_score, rest, *values])

    def _count(self, id_: str, text: str) -> NDArray[np.int64]:
        """Insertions, deletions, substitutions, length: of words, of characters."""
        key = (id_, text)
        if key not in self._counts:
            ref = self._refs[id_]
            both = count_errors(ref.split(), text.split()), count_errors(ref, text)
            rows = [(e.ins, e.dels, e.subs, e.length) for e in both]
            self._counts[key] = np.array(rows, dtype=np.int64).ravel()
        return self._counts[key]


def _errors(counts: NDArray[np.int64]) -> Errors:
    values = [int(value) for value in counts]
    return ErrorRate(*values[:4]), ErrorRate(*values[4:])
