"""Features of one split, by several processes, into HDF5 shards.

The shards' content is fixed by the cuts and the settings alone, never by the number
of processes. Finished shards of an interrupted run are kept in a folder whose name
holds a hash of both, so the same command goes on where it was stopped.
"""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import torch
from lhotse import CutSet
from lhotse.cut import MonoCut

from asr.atomic import remove
from asr.data.fbank import FbankSettings, extract_shard, plan, shard_name
from asr.data.fbank_digest import content_hash, is_finished, write_content
from asr.data.fbank_progress import ExtractionProgress
from asr.data.feature_manifest import write_feature_manifests
from asr.data.pool import run_in_processes
from asr.errors import RecipeError

Task = tuple[Sequence[MonoCut], Path, FbankSettings]


def extract_split(
    cuts: CutSet, split: str, folder: Path, settings: FbankSettings, nj: int
) -> None:
    """Write ``folder/<split>/shard-*.h5``, ``<split>_index.tsv``, ``<split>_cuts``.

    Raises:
        RecipeError: audio that cannot be read, or a worker process that died; what
            is finished is kept.
    """
    planned = plan(cuts, settings)
    done = folder / split
    digest = content_hash(planned, settings)
    if not is_finished(done, digest):
        partial = folder / f".partial-{split}-{digest[:16]}"
        _remove_stale(folder, split, keep=partial)
        partial.mkdir(parents=True, exist_ok=True)
        _extract_missing(planned, split, partial, settings, nj)
        write_content(partial, digest)
        remove(done)
        os.replace(partial, done)
    write_feature_manifests(planned, split, folder, settings)


def _remove_stale(folder: Path, split: str, keep: Path) -> None:
    """Remove what earlier runs with other settings left unfinished."""
    for path in folder.glob(f".partial-{split}-*"):
        if path != keep:
            remove(path)


def _extract_missing(
    planned: list[list[MonoCut]],
    split: str,
    folder: Path,
    settings: FbankSettings,
    nj: int,
) -> None:
    todo = {
        number: shard
        for number, shard in enumerate(planned)
        if not (folder / shard_name(number)).exists()
    }
    progress = ExtractionProgress(split, planned, todo)
    tasks: list[Task] = [
        (shard, folder / shard_name(n), settings) for n, shard in todo.items()
    ]
    problems: list[str] = []
    for number, failed in _run(list(todo), tasks, min(nj, len(todo)), progress):
        problems += failed
        progress.finish(number)
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise RecipeError(
            f"fbank: {len(problems)} files of {split} cannot be read: "
            f"{'; '.join(problems[:3])}{more}; repair or remove them, then run "
            "stage 1 again (finished features are kept)"
        )
    progress.show()


def _run(
    numbers: list[int], tasks: list[Task], nj: int, progress: ExtractionProgress
) -> Iterator[tuple[int, list[str]]]:
    """Yield (shard number, unreadable files) as shards are finished."""
    if nj <= 1:
        yield from _run_here(numbers, tasks, progress)
        return
    for i, problems in run_in_processes(
        "fbank",
        _extract_counted,
        tasks,
        nj,
        initializer=partial(_begin_worker, progress.seconds),
        idle=progress.show_if_due,
    ):
        yield numbers[i], problems


def _run_here(
    numbers: list[int], tasks: list[Task], progress: ExtractionProgress
) -> Iterator[tuple[int, list[str]]]:
    threads = torch.get_num_threads()
    _one_thread()
    try:
        for number, task in zip(numbers, tasks, strict=True):
            yield number, extract_shard(*task, progress.tick)
    finally:
        torch.set_num_threads(threads)


_counter: "Synchronized[float] | None" = None  # of a worker process


def _begin_worker(seconds: "Synchronized[float]") -> None:
    """Set up a worker process; it counts in ``seconds``, which all of them share."""
    global _counter  # what is shared can only be given to a process at its start
    _counter = seconds
    _one_thread()


def _extract_counted(
    cuts: Sequence[MonoCut], path: Path, settings: FbankSettings
) -> list[str]:
    return extract_shard(cuts, path, settings, _count)


def _count(seconds: float) -> None:
    if _counter is not None:
        with _counter.get_lock():
            _counter.value += seconds


def _one_thread() -> None:
    """Keep torch to one thread: the number of threads changes the last bits."""
    torch.set_num_threads(1)
