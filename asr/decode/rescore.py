"""n-best lists put into a new order by another language model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.decode.nbest_file import NBest, Row


@dataclass(frozen=True)
class RescoreScales:
    """How the parts of a score are weighted.

    Attributes:
        lm_weight: of both language models together.
        neural_share: of the neural one in it, 0 to 1.
        word_score: ln, added for every word.
    """

    lm_weight: float
    neural_share: float
    word_score: float


@dataclass(frozen=True)
class ScoreParts:
    """What a score is made of; each (N,) float64, natural logarithms.

    Attributes:
        am: acoustic score.
        ngram, neural: of the whole sentence, its end included.
        words: their number.
        other: what the search added besides (unknown words, hot words); stays as it is.
    """

    am: NDArray[np.float64]
    ngram: NDArray[np.float64]
    neural: NDArray[np.float64]
    words: NDArray[np.float64]
    other: NDArray[np.float64]

    def combined(self, scales: RescoreScales) -> NDArray[np.float64]:
        """``am + lm_weight * ((1 - a) * ngram + a * neural) + word_score * words
        + other`` with a = ``neural_share``: (N,)."""
        share = scales.neural_share
        lm = _weighted(1 - share, self.ngram) + _weighted(share, self.neural)
        words = scales.word_score * self.words
        return self.am + _weighted(scales.lm_weight, lm) + words + self.other


def score_parts(
    rows: Sequence[Row],
    neural: Sequence[float],
    *,
    lm_weight: float,
    word_score: float,
) -> ScoreParts:
    """Take the scores of a search apart.

    Args:
        rows: hypotheses with ``text``, ``score``, ``am_score``, ``lm_score``; a score
            of null is -inf.
        neural: ln probability of each.
        lm_weight, word_score: what the search was run with.
    """
    score, am, ngram = (
        np.array([_number(row[key]) for row in rows])
        for key in ("score", "am_score", "lm_score")
    )
    words = np.array([float(len(str(row["text"]).split())) for row in rows])
    possible = np.isfinite(score) & np.isfinite(am) & np.isfinite(ngram)
    other = np.zeros(len(rows))
    known = am[possible] + lm_weight * ngram[possible] + word_score * words[possible]
    other[possible] = score[possible] - known
    return ScoreParts(am, ngram, np.array(neural, np.float64), words, other)


def reorder(nbest: NBest, parts: ScoreParts, scales: RescoreScales) -> tuple[Row, ...]:
    """The hypotheses by their new score, best first; equal ones keep their order.

    A row's ``score`` is the new one, ``neural_score`` is added, the rest stays.
    """
    combined = parts.combined(scales)
    return tuple(
        {
            **nbest.rows[i],
            "score": _json_number(combined[i]),
            "neural_score": _json_number(parts.neural[i]),
        }
        for i in np.argsort(-combined, kind="stable").tolist()
    )


def _weighted(weight: float, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """``weight * values``; 0 times an infinity is 0."""
    return weight * values if weight else np.zeros_like(values)


def _number(value: float | None) -> float:
    return -np.inf if value is None else float(value)


def _json_number(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
