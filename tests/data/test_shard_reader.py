"""Shards: random access by many processes, and clear words about damage."""

import os
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from asr.data import shard_reader
from asr.data.shard_index import write_index
from asr.data.shard_reader import ShardReader
from asr.data.shard_writer import shard_rows, write_shard
from asr.errors import RecipeError


def features(number: int) -> NDArray[np.float16]:
    rng = np.random.default_rng(number)
    return rng.normal(size=(5 + number % 7, 8)).astype(np.float16)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Six shards of ten utterances."""
    rows = []
    for shard in range(6):
        ids = {f"u{i}": i for i in range(10 * shard, 10 * shard + 10)}
        name = f"train/shard-{shard:04d}.h5"
        arrays = ((id_, features(i)) for id_, i in ids.items())
        write_shard(tmp_path / name, arrays, "float16")
        seconds = {id_: i / 100 for id_, i in ids.items()}
        rows += list(shard_rows(tmp_path / name, name, seconds))
    write_index(rows, tmp_path / "index.tsv")
    return tmp_path / "index.tsv"


def test_reads_what_was_written(index: Path) -> None:
    reader = ShardReader(index)
    assert len(reader) == 60
    for number in random.Random(0).sample(range(60), 60):
        array = reader.read(f"u{number}")
        assert array.dtype == np.float32 and array.flags.writeable
        assert np.array_equal(array, features(number))
        assert reader.num_frames(f"u{number}") == len(features(number))
        assert reader.duration(f"u{number}") == number / 100


def test_big_endian_or_float32_shards_are_read_by_their_type(tmp_path: Path) -> None:
    write_shard(tmp_path / "s.h5", [("a", features(3))], "float32")
    write_index(shard_rows(tmp_path / "s.h5", "s.h5", {"a": 1.0}), tmp_path / "i.tsv")
    assert np.array_equal(ShardReader(tmp_path / "i.tsv").read("a"), features(3))


class Shuffled(Dataset[tuple[int, torch.Tensor]]):
    def __init__(self, reader: ShardReader) -> None:
        self.reader = reader

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, i: int) -> tuple[int, torch.Tensor]:
        return i, torch.from_numpy(self.reader.read(f"u{i}"))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_dataloader_workers_in_shuffled_order(index: Path, method: str) -> None:
    reader = ShardReader(index)
    reader.read("u0")  # the parent has a file open before the workers start
    loader = DataLoader(
        Shuffled(reader),
        batch_size=None,
        shuffle=True,
        num_workers=2,
        multiprocessing_context=method,
    )
    seen = {}
    for _ in range(2 if method == "fork" else 1):
        for number, array in loader:
            assert np.array_equal(array.numpy(), features(number))
            seen[number] = True
    assert len(seen) == 60
    assert np.array_equal(reader.read("u1"), features(1))


def test_open_files_stay_few(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_reader, "OPEN_FILES", 2)
    before = len(os.listdir("/proc/self/fd"))
    reader = ShardReader(index)
    for number in random.Random(1).choices(range(60), k=300):
        assert np.array_equal(reader.read(f"u{number}"), features(number))
        assert len(os.listdir("/proc/self/fd")) <= before + 2
    reader.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert np.array_equal(reader.read("u7"), features(7))  # opens again


def test_memory_does_not_grow(index: Path) -> None:
    import tracemalloc

    reader = ShardReader(index)
    for number in range(60):
        reader.read(f"u{number}")
    tracemalloc.start()
    for _ in range(20):
        for number in range(60):
            reader.read(f"u{number}")
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 20_000


def test_pickled_without_files(index: Path) -> None:
    reader = ShardReader(index)
    reader.read("u0")
    copy = pickle.loads(pickle.dumps(reader))
    assert np.array_equal(copy.read("u59"), features(59))


def test_missing_shard(index: Path) -> None:
    (index.parent / "train/shard-0003.h5").unlink()
    with pytest.raises(RecipeError, match="shard-0003.h5: is missing; .*stage 2"):
        ShardReader(index)


def test_shard_that_vanishes_later(index: Path) -> None:
    reader = ShardReader(index)
    (index.parent / "train/shard-0003.h5").unlink()
    assert reader.read("u0") is not None
    with pytest.raises(RecipeError, match="shard-0003.h5: is missing"):
        reader.read("u35")


def test_short_shard(index: Path) -> None:
    path = index.parent / "train/shard-0002.h5"
    reader = ShardReader(index)
    os.truncate(path, 2200)
    with pytest.raises(RecipeError, match="shard-0002.h5: ends inside u29"):
        reader.read("u29")
    with pytest.raises(RecipeError, match="shorter than the index says"):
        ShardReader(index)


def test_unknown_id_and_damaged_index(index: Path) -> None:
    with pytest.raises(RecipeError, match="no utterance u60"):
        ShardReader(index).read("u60")
    with pytest.raises(RecipeError, match="run stage 2"):
        ShardReader(index.parent / "no.tsv")
    content = index.read_text()
    for damaged in ("", "id shard\n", content + "u60\tx\n"):
        index.write_text(damaged)
        with pytest.raises(RecipeError, match="stage 2"):
            ShardReader(index)
