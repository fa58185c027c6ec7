"""Scales chosen on dev, before a test set is looked at."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from asr.decode.grid import GridPoint, best_point, score_grid
from asr.decode.log_probs import read_ids, read_log_probs
from asr.decode.methods import SearchOptions
from asr.errors import RecipeError


def tune_beam_lm(
    log_probs: Path,
    refs: Mapping[str, str],
    *,
    lang_dir: Path,
    lm: Path,
    options: SearchOptions,
    lm_weights: Sequence[float],
    word_scores: Sequence[float],
    max_seconds: float,
    nj: int,
) -> SearchOptions:
    """Choose ``lm_weight`` and ``word_score`` of ``beam-lm``; print the WER surface.

    Args:
        log_probs: ``log_probs.h5`` of the dev set.
        refs: transcripts by utterance id; utterances without one are not used.
        lang_dir: tokens.
        lm: n-gram.
        options: everything else.
        lm_weights, word_scores: the grid.
        max_seconds: of dev audio; a larger set is thinned out evenly.
        nj: processes.

    The fewest word errors win; of equals the fewest character errors, then the
    first in the grid's order.
    """
    grid = [
        replace(options, lm_weight=weight, word_score=score)
        for weight, score in itertools.product(sorted(lm_weights), sorted(word_scores))
    ]
    ids = choose_ids(log_probs, refs, max_seconds)
    points = score_grid("beam-lm", log_probs, refs, ids, lang_dir, lm, grid, nj)
    best = best_point(points)
    print(beam_lm_table(points, best), flush=True)
    for name, values in (("lm_weight", lm_weights), ("word_score", word_scores)):
        _warn_at_edge(name, getattr(best.options, name), values)
    return best.options


def tune_hlg(
    log_probs: Path,
    refs: Mapping[str, str],
    *,
    lang_dir: Path,
    options: SearchOptions,
    hlg_scales: Sequence[float],
    max_seconds: float,
    nj: int,
) -> SearchOptions:
    """Choose ``hlg_scale`` of ``hlg``; arguments and rules as in ``tune_beam_lm``."""
    grid = [replace(options, hlg_scale=scale) for scale in sorted(hlg_scales)]
    ids = choose_ids(log_probs, refs, max_seconds)
    points = score_grid("hlg", log_probs, refs, ids, lang_dir, None, grid, nj)
    best = best_point(points)
    print(hlg_table(points, best), flush=True)
    _warn_at_edge("hlg_scale", best.options.hlg_scale, hlg_scales)
    return best.options


def choose_ids(
    log_probs: Path, refs: Mapping[str, str], max_seconds: float
) -> list[str]:
    """Transcribed utterances in byte order, thinned out to about ``max_seconds``."""
    known = [id_ for id_ in read_ids(log_probs) if id_ in refs]
    if not known:
        raise RecipeError(f"{log_probs} has no utterance with a dev transcript")
    seconds = sum(u.duration for u in read_log_probs(log_probs, known))
    step = max(1.0, seconds / max_seconds)
    ids = [known[int(i * step)] for i in range(int(len(known) / step))] or known[:1]
    print(f"tuning on {len(ids)} of {len(known)} dev utterances", flush=True)
    return ids


def beam_lm_table(points: Sequence[GridPoint], best: GridPoint) -> str:
    """Dev WER: a row for each LM weight, a column for each word score."""
    scores = sorted({point.options.word_score for point in points})
    lines = ["dev WER (%) of beam-lm; rows lm_weight, columns word_score; * is taken"]
    lines.append(" " * 8 + "".join(f"{score:>8g} " for score in scores))
    for weight in sorted({point.options.lm_weight for point in points}):
        row = (point for point in points if point.options.lm_weight == weight)
        cells = (_cell(point, point is best) for point in row)
        lines.append(f"{weight:>8g}" + "".join(cells))
    return "\n".join(lines)


def hlg_table(points: Sequence[GridPoint], best: GridPoint) -> str:
    """Dev WER for each ``hlg_scale``."""
    lines = ["dev WER (%) of hlg by hlg_scale; * is taken"]
    for point in points:
        cell = _cell(point, point is best)
        lines.append(f"{point.options.hlg_scale:>8g}{cell}")
    return "\n".join(lines)


def _cell(point: GridPoint, taken: bool) -> str:
    return f"{100 * point.wer.rate:>8.2f}{'*' if taken else ' '}"


def _warn_at_edge(name: str, value: float, values: Sequence[float]) -> None:
    if len(values) > 2 and value in (min(values), max(values)):
        print(f"the best {name} ({value:g}) is at the edge of its grid")
