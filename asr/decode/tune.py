"""Scales chosen on dev, before a test set is looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product
from pathlib import Path

from asr.decode.candidates import Candidates, Point
from asr.decode.grid import DevSearch
from asr.decode.log_probs import read_ids, read_log_probs
from asr.decode.methods import REGISTRY, SearchOptions
from asr.decode.scale_search import search_scales
from asr.decode.surface_table import surface_table
from asr.errors import RecipeError
from asr.plot.curves import draw_scales
from asr.progress import LineTimer


@dataclass(frozen=True)
class DevSet:
    """What scales are chosen on.

    Attributes:
        log_probs: ``log_probs.h5``.
        refs: transcripts by utterance id; utterances without one are not used.
        max_seconds: of audio; a larger set is thinned out evenly.
    """

    log_probs: Path
    refs: Mapping[str, str]
    max_seconds: float

    def choose_ids(self) -> list[str]:
        """Transcribed utterances in byte order, thinned out to ``max_seconds``."""
        known = [id_ for id_ in read_ids(self.log_probs) if id_ in self.refs]
        if not known:
            raise RecipeError(
                f"{self.log_probs} has no utterance with a dev transcript"
            )
        seconds = sum(u.duration for u in read_log_probs(self.log_probs, known))
        step = max(1.0, seconds / self.max_seconds)
        count = int(len(known) / step)
        ids = [known[int(i * step)] for i in range(count)] or known[:1]
        print(f"tuning on {len(ids)} of {len(known)} dev utterances", flush=True)
        return ids


def tune_method(
    method: str,
    dev: DevSet,
    axes: Mapping[str, Sequence[float]],
    *,
    lang_dir: Path,
    lm: Path | None,
    options: SearchOptions,
    nj: int,
    plot: Path | None = None,
) -> SearchOptions:
    """Choose the scales of a method; print and draw the dev surface.

    Args:
        method: one that has scales (``asr.decode.methods.REGISTRY``).
        dev: log-probs and transcripts.
        axes: the values of each scale that are tried.
        lang_dir, lm: what the method is loaded from.
        options: everything else.
        nj: processes.
        plot: PNG of the surface.

    Returns:
        ``options`` with the chosen scales.
    """
    timer = LineTimer()
    names = tuple(REGISTRY[method].scales)
    ids = dev.choose_ids()
    search = DevSearch(method, dev.log_probs, ids, lang_dir, lm, options, nj)
    refs = {id_: dev.refs[id_] for id_ in ids}
    candidates = Candidates(refs, list(REGISTRY[method].scales.values()))
    values = [sorted(set(axes[name])) for name in names]
    explore = partial(search, explore=True) if REGISTRY[method].load_nbest else None
    surface = search_scales(search, candidates, values, first_points(values), explore)
    print(surface_table(method, names, surface), flush=True)
    print(
        f"{method}: {len(surface.reranked)} points tried, {len(surface.decoded)} of "
        f"them decoded, in {timer.seconds:.1f} s",
        flush=True,
    )
    for name, axis, value in zip(names, surface.axes, surface.best, strict=True):
        warn_at_edge(name, value, axis)
    if plot is not None:
        draw_scales(
            plot,
            f"{method}: WER (%) on dev",
            dict(zip(names, surface.axes, strict=True)),
            {p: 100 * words.rate for p, (words, _) in surface.reranked.items()},
            {p: 100 * words.rate for p, (words, _) in surface.decoded.items()},
            surface.best,
        )
    return search.with_scales(surface.best)


def first_points(axes: Sequence[Sequence[float]]) -> list[Point]:
    """The middle of the grid and, of several scales, that of each of its quarters.

    Hypotheses from several sides: those of one point alone may all be alike.
    """
    middle = tuple(axis[len(axis) // 2] for axis in axes)
    if len(axes) == 1:
        return [middle]
    quarters = ((axis[len(axis) // 4], axis[3 * len(axis) // 4]) for axis in axes)
    return [middle, *product(*quarters)]


def refined(values: Sequence[float], steps: int) -> tuple[float, ...]:
    """Ascending values, with each gap between two of them divided into ``steps``."""
    known = sorted(set(values))
    between = [
        round(low + (high - low) * step / steps, 6)
        for low, high in pairwise(known)
        for step in range(steps)
    ]
    return (*between, known[-1])


def warn_at_edge(name: str, value: float, values: Sequence[float]) -> None:
    """Say that a better value may lie beyond those that were tried."""
    if len(values) > 2 and value in (min(values), max(values)):
        print(f"the best {name} ({value:g}) is at the edge of its grid", flush=True)
