"""Log-probs of a user's recordings: each alone, any length, kept from run to run."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from asr.data.audio import AudioError
from asr.data.audio_blocks import read_blocks
from asr.data.fbank import compute
from asr.data.heap import trim_heap
from asr.data.level import to_level
from asr.data.user_folder import UserFile
from asr.decode.log_probs import (
    LogProbs,
    LogProbWriter,
    open_log_probs,
    piece_name,
    read_attributes,
    read_recordings,
    write_log_probs,
)
from asr.decode.pieces import cut_pieces
from asr.decode.vocabulary import Vocabulary
from asr.decode.windows import Acoustic, Samples, long_log_probs
from asr.models.create import AcousticModel
from asr.progress import LineTimer

BLOCK = 10  # seconds of audio that are read at once


@dataclass(frozen=True)
class Hearing:
    """How recordings become log-probs.

    Attributes:
        sample_rate, num_mel_bins: of the features.
        subsampling: feature frames of 10 ms for a row of log-probs.
        window_seconds: longer recordings are heard, and decoded, in parts of it.
        overlap_seconds: of two windows.
        channel: from 1 on; None: the mean of all.
        level: that what the model hears at once is brought to, dB of full scale; None:
            it stays.
    """

    sample_rate: int
    num_mel_bins: int
    subsampling: int
    window_seconds: float
    overlap_seconds: float
    channel: int | None
    level: float | None

    @property
    def row(self) -> float:
        """Seconds from one row of log-probs to the next."""
        return 0.01 * self.subsampling


@dataclass(frozen=True)
class Heard:
    """What came of a folder.

    Attributes:
        new: ids of the recordings whose log-probs were computed.
        failures: place of a file -> what is wrong with it.
        audio_seconds, busy_seconds: of the new ones, and of reading, features and model.
    """

    new: tuple[str, ...]
    failures: dict[str, str]
    audio_seconds: float
    busy_seconds: float


def same_hearing(path: Path, attributes: Mapping[str, Any]) -> bool:
    """Whether a file of log-probs is there and was made by this model, in this way."""
    return path.is_file() and read_attributes(path) == dict(attributes)


def holds(path: Path, files: Sequence[UserFile]) -> bool:
    """Whether ``path`` has the log-probs of these files, and of no others."""
    stored = {id_: found.key for id_, found in read_recordings(path).items()}
    return stored == {file.id: file.key for file in files}


@torch.inference_mode()
def write_recordings(
    model: AcousticModel,
    vocabulary: Vocabulary,
    files: Sequence[UserFile],
    path: Path,
    attributes: Mapping[str, Any],
    hearing: Hearing,
    keep: bool,
) -> Heard:
    """Write the log-probs of ``files`` to ``path``, atomically.

    Every recording goes through the model alone, so that its log-probs are the same
    whatever else the folder holds. A file that turns out damaged is left out.

    Args:
        attributes: of the whole file.
        keep: take what is in ``path`` already and still wanted; else all is new.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    acoustic = acoustic_of(model.to(device).eval(), hearing, device)
    timer = LineTimer()
    stored = read_recordings(path) if keep else {}
    failures: dict[str, str] = {}
    seconds: dict[str, float] = {}
    began = time.perf_counter()
    with write_log_probs(path, attributes) as writer, _opened(path, keep) as old:
        for file in files:
            if file.id in stored and stored[file.id].key == file.key:
                for name in stored[file.id].pieces:
                    writer.copy(old, name)
                continue
            try:
                seconds[file.id] = _write(
                    writer, file, acoustic, vocabulary, hearing, timer
                )
            except AudioError as error:
                failures[file.place] = str(error).removeprefix(f"{file.path}: ")
    return Heard(
        tuple(seconds), failures, sum(seconds.values()), time.perf_counter() - began
    )


def _opened(path: Path, keep: bool) -> AbstractContextManager[h5py.File | None]:
    """The file so far, or nothing."""
    return open_log_probs(path) if keep else nullcontext()


def acoustic_of(
    model: AcousticModel, hearing: Hearing, device: torch.device
) -> Acoustic:
    """Samples to log-probs: features, and a model that is on ``device`` already."""

    def hear(samples: Samples) -> LogProbs:
        rate, bins = hearing.sample_rate, hearing.num_mel_bins
        features = compute(to_level(samples, rate, hearing.level), rate, bins)
        if not len(features):  # less than half a frame: too short for any sound
            return np.zeros((0, model.output.out_features), np.float32)
        batch = torch.from_numpy(features)[None].to(device)
        log_probs, _ = model(batch, torch.tensor([len(features)], device=device))
        return np.asarray(log_probs[0].cpu().numpy(), np.float32)

    return hear


def pieces_of(
    blocks: Iterable[Samples],
    acoustic: Acoustic,
    vocabulary: Vocabulary,
    hearing: Hearing,
) -> Iterator[tuple[int, LogProbs]]:
    """A recording's log-probs in pieces for the decoders, with their first rows."""
    rows = long_log_probs(
        blocks,
        acoustic,
        sample_rate=hearing.sample_rate,
        subsampling=hearing.subsampling,
        window_seconds=hearing.window_seconds,
        overlap_seconds=hearing.overlap_seconds,
    )
    return cut_pieces(rows, vocabulary, round(hearing.window_seconds / hearing.row))


def _write(
    writer: LogProbWriter,
    file: UserFile,
    acoustic: Acoustic,
    vocabulary: Vocabulary,
    hearing: Hearing,
    timer: LineTimer,
) -> float:
    """Add a recording, in pieces if it is long; return its seconds.

    Raises:
        AudioError: it cannot be read to its end; then nothing of it is added.
    """
    counted = _Blocks(file, hearing, timer)
    pieces = pieces_of(counted, acoustic, vocabulary, hearing)
    added: list[str] = []
    try:
        (begin, piece), following = next(pieces), next(pieces, None)
        while True:
            alone = not added and following is None
            name = file.id if alone else piece_name(file.id, len(added))
            end = counted.seconds if following is None else following[0] * hearing.row
            facts: dict[str, str | float] = {
                "recording": file.id,
                "start": begin * hearing.row,
                "key": file.key,
            }
            frames = len(piece) * hearing.subsampling
            writer.add(name, piece, frames, end - begin * hearing.row, **facts)
            added.append(name)
            trim_heap()  # else a long recording takes a MiB more with every piece
            if following is None:
                return counted.seconds
            (begin, piece), following = following, next(pieces, None)
    except AudioError:
        for name in added:
            writer.remove(name)
        raise


class _Blocks:
    """A file's samples in blocks; afterwards ``seconds`` says how long it was."""

    def __init__(self, file: UserFile, hearing: Hearing, timer: LineTimer) -> None:
        self._file, self._hearing, self._timer = file, hearing, timer
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Samples]:
        rate, channel = self._hearing.sample_rate, self._hearing.channel
        samples = 0
        for block in read_blocks(self._file.path, rate, BLOCK, channel):
            samples += len(block)
            self.seconds = samples / rate
            if self._timer.due():
                place = self._file.place
                print(f"log-probs: {place}, at {self.seconds:.0f} s", flush=True)
            yield block
