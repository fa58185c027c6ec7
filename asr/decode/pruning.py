"""How narrow a beam search may be, measured on dev before a test set is looked at.

What pruning loses is a search error: another hypothesis, with a better score, was there.
So errors are not counted here but scores compared: the narrowest search is taken whose
best hypotheses score, in the mean, as those of the widest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.decode.hypothesis import Hypothesis
from asr.decode.options import SearchOptions

Search = Callable[
    [Sequence[SearchOptions]], Sequence[Mapping[str, Sequence[Hypothesis]]]
]

TOLERANCE = 0.02  # ln, of the mean score of an utterance, at each of the bounds


@dataclass(frozen=True)
class Trial:
    """One value of one bound: what the mean best score loses by it, ln."""

    name: str
    value: float
    loss: float


def choose_pruning(
    search: Search, options: SearchOptions, bounds: Mapping[str, Sequence[float]]
) -> tuple[SearchOptions, list[Trial]]:
    """Narrow the bounds, one after the other, as far as no score is lost.

    Args:
        search: decodes dev with each of some options.
        options: scales, and the bounds that are not chosen.
        bounds: names of bounds in the order in which they are narrowed, each with the
            values tried; the largest of each is what the others are compared with.

    Returns:
        The options with the narrowest values, and what was tried. A value is narrow
        enough only if all larger ones are.
    """
    most: dict[str, Any] = {name: max(values) for name, values in bounds.items()}
    chosen, trials = replace(options, nbest=1, **most), []
    for name, values in bounds.items():
        tried = sorted(values, reverse=True)
        each: list[dict[str, Any]] = [{name: value} for value in tried]
        grid = [replace(chosen, **bound) for bound in each]
        found = [_scores(nbest) for nbest in search(grid)]
        losses = [_loss(found[0], scores) for scores in found]
        trials += [
            Trial(name, value, loss) for value, loss in zip(tried, losses, strict=True)
        ]
        enough = next((i for i, loss in enumerate(losses) if loss > TOLERANCE), None)
        chosen = grid[-1 if enough is None else enough - 1]
    return replace(chosen, nbest=options.nbest), trials


def _scores(nbest: Mapping[str, Sequence[Hypothesis]]) -> NDArray[np.float64]:
    return np.array([hyps[0].score for _, hyps in sorted(nbest.items())])


def _loss(widest: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    """Of the mean; infinite where the widest search alone finds anything."""
    found = (widest > -np.inf) | (scores > -np.inf)
    return float(np.mean((widest - scores)[found])) if found.any() else 0.0


def pruning_table(trials: Sequence[Trial], chosen: SearchOptions) -> str:
    """What each value of each bound loses."""
    lines = [
        "search errors: what the best score loses on dev, ln an utterance; * is taken"
    ]
    for name in dict.fromkeys(trial.name for trial in trials):
        own = (trial for trial in trials if trial.name == name)
        taken = getattr(chosen, name)
        cells = (f"{t.value:g}{'*' * (t.value == taken)} {t.loss:.3f}" for t in own)
        lines.append(f"  {name}: {', '.join(cells)}")
    return "\n".join(lines)
