"""Log-mel features of one split, by several processes, into HDF5 shards.

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
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import lhotse
import numpy as np
import torch
from lhotse import CutSet, Fbank, FbankConfig
from lhotse import Features as FeaturesManifest
from lhotse.cut import MonoCut
from lhotse.utils import fastcopy
from numpy.typing import NDArray

from asr.atomic import remove, write_text
from asr.data.audio import AudioError, check_audio
from asr.data.jsonl import write_items
from asr.data.shards import Row, shard_rows, write_index, write_shard
from asr.errors import RecipeError

FRAME_SHIFT = 0.01  # seconds
PROGRESS_SECONDS = 5.0
CONTENT_FILE = "content.txt"  # hash of what was asked for, then shards and sizes


@dataclass(frozen=True)
class FbankSettings:
    """What decides the features' content.

    Attributes:
        sample_rate: Hz; other audio is resampled.
        dtype: of storage, ``float16`` or ``float32``.
        speeds: copies of the split; 1.0 is the original.
        shard_minutes: audio in one shard.
    """

    sample_rate: int
    num_mel_bins: int
    dtype: str
    speeds: tuple[float, ...]
    shard_minutes: float


def extractor(sample_rate: int, num_mel_bins: int) -> Fbank:
    """Kaldi's log-mel filter bank (25 ms Povey window every 10 ms, no dither).

    Frames are centred (``snip_edges`` False): T = round(num_samples / hop). Samples
    are in [-1, 1], so values lie lower than Kaldi's by 2 ln 32768.
    """
    return _extractor(sample_rate, num_mel_bins)


def compute(
    samples: NDArray[np.float32], sample_rate: int, num_mel_bins: int
) -> NDArray[np.float32]:
    """Return the (T, num_mel_bins) features of (num_samples,) mono samples."""
    features = extractor(sample_rate, num_mel_bins).extract(samples, sample_rate)
    return np.asarray(features, dtype=np.float32)


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


def plan(cuts: CutSet, settings: FbankSettings) -> list[list[MonoCut]]:
    """Divide the cuts, and their speed copies, into shards of equal duration."""
    shards: list[list[MonoCut]] = [[]]
    seconds = 0.0
    for cut in _with_speeds(cuts, settings):
        if shards[-1] and seconds + cut.duration > settings.shard_minutes * 60:
            shards.append([])
            seconds = 0.0
        shards[-1].append(cut)
        seconds += cut.duration
    return shards


def shard_name(number: int) -> str:
    """File name of a shard."""
    return f"shard-{number:04d}.h5"


def _with_speeds(cuts: CutSet, settings: FbankSettings) -> Iterator[MonoCut]:
    for speed in settings.speeds:
        for cut in cuts:
            if cut.sampling_rate != settings.sample_rate:
                cut = cut.resample(settings.sample_rate)
            yield cut if speed == 1.0 else cut.perturb_speed(speed)


def _content_hash(planned: list[list[MonoCut]], settings: FbankSettings) -> str:
    """Hash of everything that the shards' bytes depend on."""
    digest = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode())
    digest.update(lhotse.__version__.encode())
    for shard in planned:
        digest.update(b"shard")
        for cut in shard:
            digest.update(json.dumps(cut.to_dict(), sort_keys=True).encode())
            digest.update(_file_stamp(cut))
    return digest.hexdigest()


def _file_stamp(cut: MonoCut) -> bytes:
    """Size and time of the audio, so that a changed file is noticed."""
    try:
        status = os.stat(cut.recording.sources[0].source)
    except OSError:
        return b"missing"
    return f"{status.st_size} {status.st_mtime_ns}".encode()


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
        for number, task in zip(numbers, tasks, strict=True):
            yield number, extract_shard(*task, progress=progress)
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


def extract_shard(
    cuts: Sequence[MonoCut],
    path: Path,
    settings: FbankSettings,
    progress: "_Progress | None" = None,
) -> list[str]:
    """Write one shard, unless some audio is unreadable; return what is, by name."""
    problems: list[str] = []
    arrays: list[tuple[str, NDArray[Any]]] = []
    dtype = np.dtype(settings.dtype)
    for cut in cuts:
        try:
            samples = load_cut(cut)
        except AudioError as error:
            problems.append(str(error))
            continue
        features = compute(samples, settings.sample_rate, settings.num_mel_bins)
        arrays.append((cut.id, features.astype(dtype)))
        if progress is not None:
            progress.tick(cut.duration)
    if not problems:
        write_shard(path, arrays, settings.dtype)
    return problems


def load_cut(cut: MonoCut) -> NDArray[np.float32]:
    """Load a cut's (num_samples,) samples: all transforms applied, channels averaged.

    Raises:
        AudioError: the audio cannot be read, or is shorter than the manifest says.
    """
    from lhotse.audio import AudioLoadingError, DurationMismatchError
    from lhotse.audio.backend import audio_backend

    try:
        # libsndfile reads what the recipe supports, SPHERE included.
        with audio_backend("LibsndfileBackend"):
            audio = cut.recording.load_audio(offset=cut.start, duration=cut.duration)
    except (AudioLoadingError, DurationMismatchError, OSError, RuntimeError) as error:
        path = Path(cut.recording.sources[0].source)
        detail = check_audio(path) or "cannot be decoded to the length in its manifest"
        raise AudioError(f"{path}: {detail}") from error
    return np.asarray(audio.mean(axis=0), dtype=np.float32)


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
        yield fastcopy(cut, features=features)


def _all_rows(planned: list[list[MonoCut]], folder: Path, split: str) -> Iterator[Row]:
    for number, shard in enumerate(planned):
        name = f"{split}/{shard_name(number)}"
        seconds = {cut.id: cut.duration for cut in shard}
        yield from shard_rows(folder / name, name, seconds)


def _one_thread() -> None:
    torch.set_num_threads(1)


@cache
def _extractor(sample_rate: int, num_mel_bins: int) -> Fbank:
    return Fbank(FbankConfig(sampling_rate=sample_rate, num_filters=num_mel_bins))


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
