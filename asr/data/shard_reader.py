"""Features read from shards by offset.

Training does not open the shards as HDF5: the index says at which byte each dataset
begins, and :class:`ShardReader` fetches it with ``os.pread``. There is no HDF5 handle
that processes would have to share, no cache that grows, and the order of reading does
not matter.
"""

import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.data.half import from_storage
from asr.data.shard_index import read_index
from asr.errors import RecipeError

Features = NDArray[np.float32]

OPEN_FILES = 64  # a process's limit is often 1024, a large corpus has more shards


class ShardReader:
    """Random access to the features of one split.

    Safe to hand to DataLoader workers, forked or spawned: every process opens its
    own files, at most ``OPEN_FILES`` at a time, and shares no position in them.
    """

    def __init__(self, index: Path) -> None:
        """Raises RecipeError if the index, or a shard it names, is missing."""
        rows = read_index(index)
        self._index = index
        self.ids: list[str] = [row.id for row in rows]
        self._row = {id_: i for i, id_ in enumerate(self.ids)}
        self._shards = sorted({row.shard for row in rows})
        self._durations = np.array([row.duration for row in rows], np.float64)
        self._dtypes = sorted({row.dtype for row in rows})
        # Arrays, not row objects: reference counts would unshare forked memory.
        numbers = {name: i for i, name in enumerate(self._shards)}
        kinds = {name: i for i, name in enumerate(self._dtypes)}
        self._table = np.array(
            [
                (numbers[r.shard], r.offset, r.num_frames, r.num_bins, kinds[r.dtype])
                for r in rows
            ],
            np.int64,
        ).reshape(-1, 5)
        self._files: OrderedDict[int, int] = OrderedDict()  # shard -> descriptor
        self._owner = os.getpid()
        self._check_sizes()

    def __len__(self) -> int:
        return len(self.ids)

    def num_frames(self, id_: str) -> int:
        """Number of 10 ms frames of an utterance."""
        return int(self._table[self._position(id_), 2])

    def duration(self, id_: str) -> float:
        """Seconds of audio of an utterance."""
        return float(self._durations[self._position(id_)])

    def read(self, id_: str) -> Features:
        """Return the (T, num_bins) float32 features of an utterance.

        Raises:
            RecipeError: the id is unknown, or the shard is gone or shorter than the
                index says.
        """
        shard, offset, frames, bins, kind = self._table[self._position(id_)].tolist()
        dtype = np.dtype(self._dtypes[kind]).newbyteorder("<")
        stored = np.empty((frames, bins), dtype)
        if os.preadv(self._open(shard), [stored.data], offset) != stored.nbytes:
            raise self._damaged(shard, f"ends inside {id_}")
        return from_storage(stored)

    def close(self) -> None:
        """Close this process's files."""
        if self._owner == os.getpid():
            for descriptor in self._files.values():
                os.close(descriptor)
        self._files.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_files": OrderedDict()}

    def __del__(self) -> None:
        if hasattr(self, "_files"):
            self.close()

    def _position(self, id_: str) -> int:
        if id_ not in self._row:
            raise RecipeError(f"{self._index}: no utterance {id_}; run stage 2 again")
        return self._row[id_]

    def _open(self, shard: int) -> int:
        if self._owner != os.getpid():  # forked: the parent's descriptors stay its own
            self._files = OrderedDict()
            self._owner = os.getpid()
        if shard in self._files:
            self._files.move_to_end(shard)
            return self._files[shard]
        while len(self._files) >= OPEN_FILES:
            os.close(self._files.popitem(last=False)[1])
        try:
            descriptor = os.open(self._path(shard), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise self._damaged(shard, "is missing") from None
        self._files[shard] = descriptor
        return descriptor

    def _check_sizes(self) -> None:
        """Compare every shard's size with the end of its last utterance."""
        sizes = np.array([np.dtype(name).itemsize for name in self._dtypes], np.int64)
        shard, offset, frames, bins, kind = self._table.T
        ends = offset + frames * bins * (sizes[kind] if len(sizes) else 0)
        for number in range(len(self._shards)):
            path = self._path(number)
            if not path.is_file():
                raise self._damaged(number, "is missing")
            if path.stat().st_size < ends[shard == number].max():
                raise self._damaged(number, "is shorter than the index says")

    def _path(self, shard: int) -> Path:
        return self._index.parent / self._shards[shard]

    def _damaged(self, shard: int, what: str) -> RecipeError:
        return RecipeError(
            f"{self._path(shard)}: {what}; delete {self._index} and run stage 2 (fbank)"
        )
