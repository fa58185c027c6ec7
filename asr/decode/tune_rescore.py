"""Scales of n-best rescoring, chosen on dev by putting its lists in order."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.decode.nbest_file import NBest
from asr.decode.rescore import RescoreScales, ScoreParts
from asr.errors import RecipeError
from asr.score.error_rate import count_errors


@dataclass(frozen=True)
class RescorePoint:
    """One choice of scales and the errors it makes on dev."""

    scales: RescoreScales
    word_errors: int
    char_errors: int


@dataclass(frozen=True)
class _Costs:
    """Errors of the hypotheses of one utterance, each (N,)."""

    words: NDArray[np.int64]
    characters: NDArray[np.int64]


def tune_rescore(
    nbests: Sequence[NBest],
    parts: Sequence[ScoreParts],
    refs: Mapping[str, str],
    *,
    lm_weights: Sequence[float],
    neural_shares: Sequence[float],
    word_scores: Sequence[float],
) -> RescoreScales:
    """Choose the scales by a full grid; print the dev WER.

    Nothing is decoded: the errors of all hypotheses are counted once, and a point of
    the grid only picks from them.

    Args:
        nbests, parts: of the dev utterances.
        refs: transcripts by utterance id; utterances without one are not used.
        lm_weights, neural_shares, word_scores: the grid.

    The fewest word errors win; of equals the fewest character errors, then the
    smallest share of the neural LM, then the first in the grid's order.

    Raises:
        RecipeError: no utterance has a transcript.
    """
    used = [i for i, nbest in enumerate(nbests) if nbest.id in refs]
    if not used:
        raise RecipeError("rescoring: no dev utterance has a transcript")
    costs = [_costs(nbests[i], refs[nbests[i].id]) for i in used]
    points = score_rescore_grid(
        [parts[i] for i in used],
        costs,
        [
            RescoreScales(weight, share, word_score)
            for share, weight, word_score in itertools.product(
                sorted(neural_shares), sorted(lm_weights), sorted(word_scores)
            )
        ],
    )
    best = min(points, key=lambda point: (point.word_errors, point.char_errors))
    words = sum(len(refs[nbests[i].id].split()) for i in used)
    oracle = sum(int(cost.words.min()) for cost in costs)
    print(rescore_table(points, best, words), flush=True)
    print(f"the best hypothesis of every list: {_percent(oracle, words):.2f} %")
    return best.scales


def score_rescore_grid(
    parts: Sequence[ScoreParts], costs: Sequence[_Costs], grid: Sequence[RescoreScales]
) -> list[RescorePoint]:
    """The errors of the first hypotheses at every point of the grid."""
    points = []
    for scales in grid:
        first = [int(np.argmax(part.combined(scales))) for part in parts]
        chosen = list(zip(costs, first, strict=True))
        words = sum(int(cost.words[i]) for cost, i in chosen)
        characters = sum(int(cost.characters[i]) for cost, i in chosen)
        points.append(RescorePoint(scales, words, characters))
    return points


def rescore_table(
    points: Sequence[RescorePoint], best: RescorePoint, words: int
) -> str:
    """Dev WER: a row for each LM weight, a column for each share of the neural LM."""
    shares = sorted({point.scales.neural_share for point in points})
    lines = [
        "dev WER (%) of rescoring, at the best word_score; rows lm_weight, columns "
        "neural_share; * is taken",
        " " * 8 + "".join(f"{share:>8g} " for share in shares),
    ]
    for weight in sorted({point.scales.lm_weight for point in points}):
        cells = ""
        for share in shares:
            here = [
                point
                for point in points
                if point.scales.lm_weight == weight
                and point.scales.neural_share == share
            ]
            fewest = min(point.word_errors for point in here)
            taken = "*" if any(point is best for point in here) else " "
            cells += f"{_percent(fewest, words):>8.2f}{taken}"
        lines.append(f"{weight:>8g}{cells}")
    scales = best.scales
    lines.append(
        f"taken: lm_weight {scales.lm_weight:g}, neural_share {scales.neural_share:g}, "
        f"word_score {scales.word_score:g}"
    )
    return "\n".join(lines)


def _costs(nbest: NBest, ref: str) -> _Costs:
    words = [count_errors(ref.split(), text.split()).errors for text in nbest.texts]
    characters = [count_errors(list(ref), list(text)).errors for text in nbest.texts]
    return _Costs(np.array(words), np.array(characters))


def _percent(errors: int, words: int) -> float:
    return 100 * errors / max(1, words)
