"""A grid of scales: every point decoded and scored on dev, in parallel."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from asr.decode.child import call_in_child, parent_is_gone
from asr.decode.log_probs import read_log_probs
from asr.decode.methods import SearchOptions, load_method, unavailable
from asr.errors import RecipeError
from asr.progress import LineTimer
from asr.score.error_rate import ErrorRate, count_errors


@dataclass(frozen=True)
class GridPoint:
    """One choice of scales and the errors it makes on dev."""

    options: SearchOptions
    wer: ErrorRate
    cer: ErrorRate


def score_grid(
    method: str,
    log_probs: Path,
    refs: Mapping[str, str],
    ids: Sequence[str],
    lang_dir: Path,
    lm: Path | None,
    grid: Sequence[SearchOptions],
    nj: int,
) -> list[GridPoint]:
    """Decode the utterances at every point of the grid, in ``nj`` processes."""
    reason = unavailable(method, lang_dir)
    if reason is not None:
        raise RecipeError(f"tuning {method}: {reason}")
    chunks = [{id_: refs[id_] for id_ in ids[i::nj]} for i in range(min(nj, len(ids)))]

    def in_child(i: int) -> list[tuple[ErrorRate, ErrorRate]]:
        arguments = (method, log_probs, chunks[i], lang_dir, lm, grid, i == 0)
        name = f"tuning {method}"
        counts: list[tuple[ErrorRate, ErrorRate]]
        counts = call_in_child(name, score_chunk, *arguments)
        return counts

    with ThreadPoolExecutor(len(chunks)) as threads:  # they wait for the children
        parts = list(threads.map(in_child, range(len(chunks))))
    points = []
    for options, counts in zip(grid, zip(*parts, strict=True), strict=True):
        wer = sum((words for words, _ in counts), ErrorRate.zero())
        cer = sum((characters for _, characters in counts), ErrorRate.zero())
        points.append(GridPoint(options, wer, cer))
    return points


def score_chunk(
    method: str,
    log_probs: Path,
    refs: Mapping[str, str],
    lang_dir: Path,
    lm: Path | None,
    grid: Sequence[SearchOptions],
    loud: bool,
) -> list[tuple[ErrorRate, ErrorRate]]:
    """Word and character errors of some utterances at every point of the grid."""
    make_decoder = load_method(method, lang_dir, lm)
    utterances = list(read_log_probs(log_probs, list(refs)))
    counts, timer = [], LineTimer()
    for number, options in enumerate(grid, start=1):
        decode = make_decoder(options)
        words, characters = ErrorRate.zero(), ErrorRate.zero()
        for utterance in utterances:
            if parent_is_gone():
                raise SystemExit(1)
            ref, hyp = refs[utterance.id], decode(utterance.log_probs)[0].text
            words += count_errors(ref.split(), hyp.split())
            characters += count_errors(list(ref), list(hyp))
            if loud and timer.due():
                print(f"{method}: point {number} of {len(grid)}", flush=True)
        counts.append((words, characters))
    return counts


def best_point(points: Sequence[GridPoint]) -> GridPoint:
    """Fewest word errors, then character errors, then the first."""
    return min(points, key=lambda point: (point.wer.errors, point.cer.errors))
