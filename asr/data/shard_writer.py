"""Features into HDF5 shards.

A shard holds one contiguous (T, num_bins) dataset for each utterance, so lhotse
(storage type ``numpy_hdf5``) and any HDF5 program can read it.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from asr.atomic import atomic_path
from asr.data.shard_index import Row


def write_shard(
    path: Path, arrays: Iterable[tuple[str, NDArray[Any]]], dtype: str
) -> None:
    """Write ``(id, (T, num_bins) array)`` pairs as one HDF5 file, atomically.

    The file is put together in memory (an hour of float16 takes 58 MB): where the
    disk is full, the HDF5 library would end the process instead of raising OSError.
    """
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        for id_, array in arrays:
            file.create_dataset(id_, data=array.astype(np.dtype(dtype), copy=False))
        file.flush()
        image = file.id.get_file_image()
    with atomic_path(path) as partial:
        partial.write_bytes(image)


def shard_rows(path: Path, name: str, seconds: dict[str, float]) -> Iterator[Row]:
    """Read the index rows of one shard; ``seconds`` tells which ids, and how long."""
    with h5py.File(path, "r") as file:
        for id_, duration in seconds.items():
            data = file[id_]
            frames, bins = data.shape
            offset = data.id.get_offset()
            yield Row(id_, name, offset, frames, bins, data.dtype.name, duration)
