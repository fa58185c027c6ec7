"""Scales chosen on dev, before a test set is looked at."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from asr.decode.candidates import Candidates, Point
from asr.decode.grid import DevSearch
from asr.decode.log_probs import read_ids, read_log_probs
from asr.decode.methods import REGISTRY, SearchOptions
from asr.decode.pruning import choose_pruning, pruning_table
from asr.decode.scale_search import PARTS, Decode, Surface, search_scales, widened
from asr.decode.surface_table import surface_table
from asr.errors import RecipeError
from asr.plot.curves import draw_scales
from asr.progress import LineTimer

WIDENINGS = 3  # of a grid at whose edge the best point lies
ROUGH_SECONDS = 300.0  # of dev audio, on which the surroundings of the best are found
PASSES = 2  # of choosing bounds, and scales with them


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
        ids = self.thinned(known, self.max_seconds)
        print(f"tuning on {len(ids)} of {len(known)} dev utterances", flush=True)
        return ids

    def thinned(self, ids: Sequence[str], most: float) -> list[str]:
        """So many of the utterances, evenly, as have ``most`` seconds; one at least."""
        seconds = sum(u.duration for u in read_log_probs(self.log_probs, list(ids)))
        step = max(1.0, seconds / most)
        return [ids[int(i * step)] for i in range(int(len(ids) / step))] or [*ids[:1]]


def tune_method(
    method: str,
    dev: DevSet,
    axes: Mapping[str, Sequence[float]],
    *,
    lang_dir: Path,
    lm: Path | None,
    options: SearchOptions,
    nj: int,
    bounds: Mapping[str, Sequence[float]] | None = None,
    plot: Path | None = None,
) -> SearchOptions:
    """Choose the scales of a method, and its bounds; print and draw the dev surface.

    Args:
        method: one that has scales (``asr.decode.methods.REGISTRY``).
        dev: log-probs and transcripts.
        axes: the values of each scale that are tried; scales that are not there keep
            the value that ``options`` have.
        lang_dir, lm: what the method is loaded from.
        options: everything else.
        nj: processes.
        bounds: the values of each bound of the search that are tried.
        plot: PNG of the surface.

    Returns:
        ``options`` with what was chosen.
    """
    timer, entry = LineTimer(), REGISTRY[method]
    names = tuple(entry.scales)
    ids = dev.choose_ids()
    given = (axes.get(name, (getattr(options, name),)) for name in names)
    values = [tuple(sorted(set(axis))) for axis in given]
    features = list(entry.scales.values())
    candidates = Candidates({id_: dev.refs[id_] for id_ in ids}, features)
    with DevSearch(method, dev.log_probs, ids, lang_dir, lm, options, nj) as search:
        explore = partial(search, explore=True) if entry.load_nbest else None
        first, parts = first_points(values), () if explore else PARTS
        some = ids if explore else dev.thinned(ids, ROUGH_SECONDS)
        if some != ids:
            few = Candidates({id_: dev.refs[id_] for id_ in some}, features)
            part = replace(search, ids=some)
            rough = _find(part, few, values, first, None, parts)
            values, first, parts = list(rough.axes), [rough.best], PARTS[1:]
        surface = _find(search, candidates, values, first, explore, parts)
        if bounds:
            search, surface = _narrowed(search, candidates, surface, bounds)
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


def _find(
    search: DevSearch,
    candidates: Candidates,
    axes: Sequence[Sequence[float]],
    first: Sequence[Point],
    explore: Decode | None,
    parts: Sequence[int],
) -> Surface:
    """The best point of a grid that is widened where the best lies at its edge."""
    surface = search_scales(search, candidates, axes, first, explore, parts=parts)
    for _ in range(WIDENINGS):
        pairs = zip(surface.axes, surface.best, strict=True)
        wider = tuple(widened(axis, value) for axis, value in pairs)
        if wider == surface.axes:
            break
        known = surface.decoded
        surface = search_scales(search, candidates, wider, (), explore, known, parts)
    return surface


def _narrowed(
    search: DevSearch,
    candidates: Candidates,
    surface: Surface,
    bounds: Mapping[str, Sequence[float]],
) -> tuple[DevSearch, Surface]:
    """Choose the bounds at the best point, then look around it; again if it moves."""
    for _ in range(PASSES):
        best = surface.best
        chosen, trials = choose_pruning(
            search.with_options, search.with_scales(best), bounds
        )
        print(pruning_table(trials, chosen), flush=True)
        if chosen == search.with_scales(best):
            break
        search = replace(search, options=chosen)
        surface = _find(search, candidates, surface.axes, [best], None, PARTS[1:])
        if surface.best == best:
            break
    return search, surface


def first_points(axes: Sequence[Sequence[float]]) -> list[Point]:
    """The middle of the grid and, of several scales, that of each of its quarters.

    Hypotheses from several sides: those of one point alone may all be alike.
    """
    middle = tuple(axis[len(axis) // 2] for axis in axes)
    if len(axes) == 1:
        return [middle]
    quarters = ((axis[len(axis) // 4], axis[3 * len(axis) // 4]) for axis in axes)
    return [middle, *product(*quarters)]


def grid_name(name: str) -> str:
    """The key of ``tune`` that has the values of a scale or a bound."""
    return f"{name.removeprefix('phone_')}s"


def axes_of(
    names: Iterable[str], tune: Mapping[str, Any], fixed: Collection[str]
) -> dict[str, tuple[float, ...]]:
    """The values of scales to try, of the configuration's ``tune``; none of fixed ones."""
    return {
        name: refined(tune[grid_name(name)], tune["steps"])
        for name in names
        if name not in fixed
    }


def bounds_of(
    names: Iterable[str], tune: Mapping[str, Any], fixed: Collection[str]
) -> dict[str, tuple[float, ...]]:
    """The same of bounds, which are taken as they are."""
    return {name: tuple(tune[grid_name(name)]) for name in names if name not in fixed}


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
