"""Acoustic log-probabilities on disk: computed once, read by every decoder.

One HDF5 file per set with one ``(T', V)`` float32 dataset per utterance id, natural
log. Attributes of a dataset: ``num_frames`` (feature frames that went into the model)
and ``duration`` (seconds of audio).

A long recording lies there in pieces, named ``<id> 00000`` and so on (no id has a
space), with the id as attribute ``recording`` and the second at which the piece begins
as ``start``. Recordings of a user's folder have ``key``, which tells versions apart.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from asr.atomic import atomic_path
from asr.errors import RecipeError

LogProbs = NDArray[np.float32]


@dataclass(frozen=True)
class Utterance:
    """One utterance's model output: ``log_probs`` is ``(T', V)`` float32."""

    id: str
    log_probs: LogProbs
    duration: float  # seconds
    start: float = 0.0  # seconds, of a piece in its recording


def check_log_probs(log_probs: LogProbs, vocab_size: int) -> None:
    """Raise RecipeError unless the shape is ``(T, vocab_size)`` without NaN."""
    if log_probs.ndim != 2 or log_probs.shape[1] != vocab_size:
        raise RecipeError(
            f"log-probs have shape {log_probs.shape}, need (frames, {vocab_size}): "
            "is tokens.txt that of the model?"
        )
    if np.isnan(log_probs).any():
        raise RecipeError("log-probs contain NaN: the model is broken")


class LogProbWriter:
    """Adds utterances to a file that ``write_log_probs`` opened."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file

    def add(
        self,
        id_: str,
        log_probs: LogProbs,
        num_frames: int,
        duration: float,
        **attributes: str | float,
    ) -> None:
        """Store one utterance.

        Args:
            id_: utterance id.
            log_probs: ``(T', V)``, natural log.
            num_frames: feature frames that went into the model.
            duration: seconds of audio.
            attributes: further ones of the dataset.
        """
        data = np.ascontiguousarray(log_probs, dtype=np.float32)
        dataset = self._file.create_dataset(id_, data=data, track_times=False)
        dataset.attrs["num_frames"] = num_frames
        dataset.attrs["duration"] = duration
        dataset.attrs.update(attributes)

    def copy(self, source: h5py.File, id_: str) -> None:
        """Take an utterance over from another file, as it is."""
        source.copy(id_, self._file, name=id_)

    def remove(self, id_: str) -> None:
        """Forget an utterance that was added."""
        del self._file[id_]


@contextmanager
def write_log_probs(
    path: Path, attributes: Mapping[str, Any]
) -> Iterator[LogProbWriter]:
    """Open ``path`` for writing; it gets its name when all is written.

    ``attributes`` are the file's own (strings and numbers): model, tokens and such.
    HDF5 writes through a Python file: where the disk is full, its own driver may end
    the process instead of raising OSError.
    """
    with atomic_path(path) as partial, open(partial, "wb+") as stream:
        with h5py.File(stream, "w") as file:
            file.attrs.update(attributes)
            yield LogProbWriter(file)


def read_ids(path: Path) -> list[str]:
    """Utterance ids in byte order."""
    ids: list[str] = []

    def keep(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):  # a slash in an id makes a group
            ids.append(name)

    with open_log_probs(path) as file:
        file.visititems(keep)
    return sorted(ids, key=str.encode)


def read_log_probs(path: Path, ids: list[str] | None = None) -> Iterator[Utterance]:
    """Utterances one after the other, all in byte order of their ids, or ``ids``.

    Raises RecipeError if the file is missing or damaged, or an id is not in it.
    """
    wanted = read_ids(path) if ids is None else ids
    with open_log_probs(path) as file:
        for id_ in wanted:
            dataset = file.get(id_)
            if not isinstance(dataset, h5py.Dataset):
                raise RecipeError(f"{path} has no log-probs of utterance {id_}")
            log_probs = np.asarray(dataset[()], dtype=np.float32)
            seconds, start = (
                float(dataset.attrs.get(name, 0.0)) for name in ("duration", "start")
            )
            yield Utterance(id_, log_probs, seconds, start)


@dataclass(frozen=True)
class Stored:
    """A recording in a file: the names of its pieces in order, its key, its seconds."""

    pieces: tuple[str, ...]
    key: str
    duration: float


def read_recordings(path: Path) -> dict[str, Stored]:
    """What a file holds, by the ids of the recordings in byte order."""
    found: dict[str, Stored] = {}
    names = read_ids(path)
    with open_log_probs(path) as file:
        for name in names:
            attrs = file[name].attrs
            id_ = str(attrs.get("recording", name))
            old = found.get(id_, Stored((), "", 0.0))
            found[id_] = Stored(
                (*old.pieces, name),
                str(attrs.get("key", "")),
                old.duration + float(attrs["duration"]),
            )
    return dict(sorted(found.items(), key=lambda item: item[0].encode()))


def piece_name(id_: str, number: int) -> str:
    """What the pieces of a long recording are called."""
    return f"{id_} {number:05d}"


@contextmanager
def open_log_probs(path: Path) -> Iterator[h5py.File]:
    """The HDF5 file; RecipeError if it is missing or damaged."""
    if not path.is_file():
        raise RecipeError(f"{path} is missing: run the decode stage (8) first")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise RecipeError(
            f"{path} is damaged ({error}): delete it, run again"
        ) from None
    with file:
        yield file


def read_attributes(path: Path) -> dict[str, Any]:
    """The file's own attributes, as given to :func:`write_log_probs`."""
    with open_log_probs(path) as file:
        return dict(file.attrs.items())
