"""Reading shuffled batches of features: the recipe's shards, lhotse's storages.

python -m benchmarks.reading --part download/LibriSpeech/train-clean-5

The same features in every storage, the same batches of the recipe's own plan, read in
the same order by one thread: each once as arrays, once padded to (B, T, 80) tensors.
"Warm" is from the page cache. Before each "cold" reading the files' pages are dropped
from the cache (``posix_fadvise``, looked after with ``fincore``); what the disk or a
host below a virtual machine keeps in caches of its own, cannot be dropped from here.
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from lhotse import CutSet, LilcomChunkyWriter, NumpyHdf5Writer
from lhotse.cut import MonoCut
from lhotse.dataset.collation import collate_features
from lhotse.utils import fastcopy
from numpy.typing import NDArray

from asr.data.batches import plan_batches
from asr.data.dataset import BatchDataset, Utterance
from asr.data.extract import extract_split
from asr.data.fbank import FbankSettings
from asr.data.jsonl import read_cuts
from asr.data.shard_reader import ShardReader
from benchmarks.librispeech import some_cuts
from benchmarks.rates import measure_in_turn, one_core, show

SETTINGS = FbankSettings(16000, 80, "float16", (1.0,), shard_minutes=60.0)
BATCH_SECONDS = 120.0
LOSS = 0.5  # lilcom's error, at most, in the features' natural logarithms
UNIT = "frames a second"

Plan = Sequence[Sequence[int]]
Batches = list[list[MonoCut]]


def main() -> None:
    """Print four tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", type=Path, required=True)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    one_core()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        extract_split(
            some_cuts(options.part, 60 * options.hours), "train", folder, SETTINGS, nj=1
        )
        reader = ShardReader(folder / "train_index.tsv")
        stored = {"recipe": [*folder.glob("train/*.h5")]}
        batches: dict[str, Batches] = {}
        plan = plan_batches(
            [reader.num_frames(id_) for id_ in reader.ids],
            BATCH_SECONDS,
            seed=0,
            epoch=1,
        )
        for kind, cuts in lhotse_storages(folder, reader):
            stored[kind] = [Path(cuts[0].features.storage_path)]
            batches[kind] = [[cuts[i] for i in batch] for batch in plan]
        check_equal(reader, batches)
        for title, work in (
            ("arrays", arrays(reader, plan, batches)),
            ("padded batches", padded(reader, plan, batches)),
        ):
            frames = sum(reader.num_frames(id_) for id_ in reader.ids)
            for state, prepare in (("warm", touch), ("cold", drop)):
                found = {
                    name: partial(rate, frames, prepare, stored[name], read)
                    for name, read in work.items()
                }
                rates = measure_in_turn(dict(found), options.rounds)
                show(f"{title}, {state}", UNIT, rates, "recipe")
        sizes = ", ".join(f"{k} {megabytes(v):.0f} MB" for k, v in stored.items())
        print(f"{frames / 360000:.2f} h, {len(plan)} batches; on disk: {sizes}")


def lhotse_storages(
    folder: Path, reader: ShardReader
) -> Iterable[tuple[str, list[MonoCut]]]:
    """Store the features as lhotse does; yield the storage and its cuts."""
    cuts = list(read_cuts(folder / "train_cuts.jsonl.gz"))
    storages: tuple[tuple[str, Any, type[np.generic]], ...] = (
        ("lilcom_chunky", LilcomChunkyWriter, np.float32),
        ("numpy_hdf5, float32", NumpyHdf5Writer, np.float32),
        ("numpy_hdf5, float16", NumpyHdf5Writer, np.float16),
    )
    for name, writer, dtype in storages:
        with writer(folder / name.replace(", ", "_")) as storage:
            keys = [storage.write(c.id, reader.read(c.id).astype(dtype)) for c in cuts]
            place = {"storage_type": storage.name}
            place["storage_path"] = str(storage.storage_path)
        yield (
            name,
            [
                fastcopy(c, features=fastcopy(c.features, storage_key=key, **place))
                for c, key in zip(cuts, keys, strict=True)
            ],
        )


def check_equal(reader: ShardReader, batches: dict[str, Batches]) -> None:
    """Stop unless every storage gives back the same."""
    for name, planned in batches.items():
        for cut in planned[0]:
            off = np.abs(cut.load_features() - reader.read(cut.id)).max()
            assert off <= (LOSS if name == "lilcom_chunky" else 0.0), (name, off)


def arrays(
    reader: ShardReader, plan: Plan, batches: dict[str, Batches]
) -> dict[str, Callable[[], object]]:
    """Every utterance of every batch as a (T, 80) array."""

    def recipe() -> None:
        for batch in plan:
            for i in batch:
                reader.read(reader.ids[i])

    def lhotse(planned: Batches) -> None:
        for batch in planned:
            for cut in batch:
                loaded(cut)

    found: dict[str, Callable[[], object]] = {"recipe": recipe}
    return found | {name: partial(lhotse, b) for name, b in batches.items()}


def padded(
    reader: ShardReader, plan: Plan, batches: dict[str, Batches]
) -> dict[str, Callable[[], object]]:
    """Every batch as one tensor, by each one's own collation."""
    utterances = [Utterance(id_, (), reader.num_frames(id_)) for id_ in reader.ids]
    dataset = BatchDataset(reader, utterances, plan)

    def recipe() -> None:
        for i in range(len(plan)):
            dataset[i]

    def lhotse(sets: list[CutSet]) -> None:
        for cuts in sets:
            collate_features(cuts)

    found: dict[str, Callable[[], object]] = {"recipe": recipe}
    for name, planned in batches.items():
        found[name] = partial(lhotse, [CutSet.from_cuts(batch) for batch in planned])
    return found


def loaded(cut: MonoCut) -> NDArray[np.float32]:
    """One cut's features by lhotse, in the type that a model takes."""
    return np.asarray(cut.load_features(), np.float32)


def rate(
    frames: int,
    prepare: Callable[[list[Path]], None],
    files: list[Path],
    read: Callable[[], object],
) -> float:
    """Frames a second."""
    prepare(files)
    start = time.perf_counter()
    read()
    return frames / (time.perf_counter() - start)


def touch(files: list[Path]) -> None:
    """Have the files in the page cache."""
    for file in files:
        file.read_bytes()


def drop(files: list[Path]) -> None:
    """Take the files out of the page cache; stop if they stay there."""
    for file in files:
        with open(file, "rb") as handle:
            os.fsync(handle.fileno())
            os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    command = [
        "fincore",
        "--bytes",
        "--noheadings",
        "--output",
        "RES",
        *map(str, files),
    ]
    left = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert not any(map(int, left.split())), f"still in the page cache: {left}"


def megabytes(files: list[Path]) -> float:
    """Of files."""
    return sum(file.stat().st_size for file in files) / 1e6


if __name__ == "__main__":
    main()
