"""Features of one split, by several processes, into HDF5 shards.

The shards' content is fixed by the cuts and the settings alone, never by the number
of processes. Finished shards of an interrupted run are kept in a folder whose name
holds a hash of both, so the same command goes on where it was stopped.
"""

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path

import lhotse
import torch
from lhotse import CutSet
from lhotse import Features as FeaturesManifest
from lhotse.cut import MonoCut
from lhotse.utils import fastcopy

from asr.atomic import remove, write_text
from asr.data.fbank import (
    FRAME_SHIFT,
    FbankSettings,
    extract_shard,
    plan,
    shard_name,
)
from asr.data.jsonl import write_items
from asr.data.shards import Row, shard_rows, write_index
from asr.errors import RecipeError

PROGRESS_SECONDS = 5.0
SAMPLE_BYTES = 4096
CONTENT_FILE = "content.txt"  # hash of what was asked for, then shards and sizes


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
    digest = _content_hash(planned, settings)
    if not _is_finished(done, digest):
        partial = folder / f".partial-{split}-{digest[:16]}"
        _remove_stale(folder, split, keep=partial)
        partial.mkdir(parents=True, exist_ok=True)
        _extract_missing(planned, split, partial, settings, nj)
        write_text(partial / CONTENT_FILE, _content(partial, digest))
        remove(done)
        os.replace(partial, done)
    rows = list(_all_rows(planned, folder, split))
    write_index(rows, folder / f"{split}_index.tsv")
    write_items(
        _with_features(planned, rows, folder.absolute(), settings),
        folder / f"{split}_cuts.jsonl.gz",
    )


def _content_hash(planned: list[list[MonoCut]], settings: FbankSettings) -> str:
    """Hash of everything that the shards' bytes depend on, wherever it lies."""
    digest = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode())
    digest.update(lhotse.__version__.encode())
    for shard in planned:
        digest.update(b"shard")
        for cut in shard:
            described = cut.to_dict()
            for source in described["recording"]["sources"]:
                digest.update(_sample_of(Path(source.pop("source"))))
            digest.update(json.dumps(described, sort_keys=True).encode())
    return digest.hexdigest()


def _sample_of(audio: Path) -> bytes:
    """Size of a file and some bytes of its middle: tells other audio by the same name.

    Not its time or place, which would make equal features look different.
    """
    try:
        with open(audio, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(size // 2)
            return str(size).encode() + file.read(SAMPLE_BYTES)
    except OSError:
        return b"missing"


def _content(folder: Path, digest: str) -> str:
    sizes = [f"{p.name} {p.stat().st_size}" for p in sorted(folder.glob("*.h5"))]
    return "\n".join([digest, *sizes]) + "\n"


def _is_finished(folder: Path, digest: str) -> bool:
    """Whether the folder holds these features, every shard in its full size."""
    path = folder / CONTENT_FILE
    return path.is_file() and path.read_text() == _content(folder, digest)


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
    progress = _Progress(split, planned, set(todo))
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


Task = tuple[Sequence[MonoCut], Path, FbankSettings]


def _run(
    numbers: list[int], tasks: list[Task], nj: int, progress: "_Progress"
) -> Iterator[tuple[int, list[str]]]:
    """Yield (shard number, unreadable files) as shards are finished."""
    if nj <= 1:
        threads = torch.get_num_threads()
        _one_thread()
        try:
            for number, task in zip(numbers, tasks, strict=True):
                yield number, extract_shard(*task, progress.tick)
        finally:
            torch.set_num_threads(threads)
        return
    # Spawned, not forked: torch's thread pools do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(nj, context, initializer=_one_thread) as pool:
        futures = {
            pool.submit(extract_shard, *t): n
            for n, t in zip(numbers, tasks, strict=True)
        }
        try:
            yield from _as_completed(futures, progress)
        except BrokenProcessPool:
            raise RecipeError(
                "fbank: a worker process died (killed, or out of memory); run the same "
                "command again, perhaps with a smaller --nj: finished shards are kept"
            ) from None


def _as_completed(
    futures: dict[Future[list[str]], int], progress: "_Progress"
) -> Iterator[tuple[int, list[str]]]:
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, PROGRESS_SECONDS, FIRST_COMPLETED)
        progress.show_if_due()
        for future in done:
            yield futures[future], future.result()


def _with_features(
    planned: list[list[MonoCut]],
    rows: Sequence[Row],
    folder: Path,
    settings: FbankSettings,
) -> Iterator[MonoCut]:
    """Attach to every cut where lhotse finds its features."""
    cuts = (cut for shard in planned for cut in shard)
    for cut, row in zip(cuts, rows, strict=True):
        features = FeaturesManifest(
            type="kaldi-fbank",
            num_frames=row.num_frames,
            num_features=row.num_bins,
            frame_shift=FRAME_SHIFT,
            sampling_rate=settings.sample_rate,
            start=cut.start,
            duration=cut.duration,
            storage_type="numpy_hdf5",
            storage_path=str(folder / row.shard),
            storage_key=row.id,
            recording_id=cut.recording.id,
            channels=cut.channel,
        )
        if cut.sampling_rate != settings.sample_rate:
            cut = cut.resample(settings.sample_rate)
        yield fastcopy(cut, features=features)


def _all_rows(planned: list[list[MonoCut]], folder: Path, split: str) -> Iterator[Row]:
    for number, shard in enumerate(planned):
        name = f"{split}/{shard_name(number)}"
        seconds = {cut.id: cut.duration for cut in shard}
        yield from shard_rows(folder / name, name, seconds)


def _one_thread() -> None:
    """Keep torch to one thread: the number of threads changes the last bits."""
    torch.set_num_threads(1)


class _Progress:
    """Prints a line every few seconds."""

    def __init__(
        self, split: str, planned: list[list[MonoCut]], todo: set[int]
    ) -> None:
        self._split = split
        self._hours = [sum(c.duration for c in shard) / 3600 for shard in planned]
        self._todo = todo
        self._ticked = 0.0
        self._start = self._shown = time.monotonic()

    def tick(self, seconds: float) -> None:
        """Count audio of the shard under way, where it runs in this process."""
        self._ticked += seconds / 3600
        self.show_if_due()

    def show_if_due(self) -> None:
        if time.monotonic() - self._shown >= PROGRESS_SECONDS:
            self.show()

    def finish(self, number: int) -> None:
        self._todo.discard(number)
        self._ticked = 0.0

    def show(self) -> None:
        self._shown = time.monotonic()
        total, left = sum(self._hours), sum(self._hours[n] for n in self._todo)
        shards = len(self._hours)
        print(
            f"fbank {self._split}: {total - left + self._ticked:.2f} of {total:.2f} h, "
            f"{shards - len(self._todo)} of {shards} shards, "
            f"{self._shown - self._start:.0f} s",
            flush=True,
        )
