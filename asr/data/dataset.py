"""From shards and transcripts to padded batches."""

import os
import signal
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from asr.data.heap import trim_heap
from asr.data.shard_reader import ShardReader

Augment = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]


@dataclass(frozen=True)
class Batch:
    """Padded utterances.

    Attributes:
        ids: B utterance ids.
        features: (B, T, F) float32 log-mel, zero where padded.
        feature_lengths: (B,) int64 frames.
        tokens: (N,) int64, the transcripts of all utterances one after the other.
        token_lengths: (B,) int64; their sum is N.
    """

    ids: tuple[str, ...]
    features: Tensor
    feature_lengths: Tensor
    tokens: Tensor
    token_lengths: Tensor

    @property
    def seconds(self) -> float:
        """Audio in the batch, padding not counted."""
        return float(self.feature_lengths.sum()) / 100


@dataclass(frozen=True)
class Utterance:
    """One training example: where its features are, and its token ids."""

    id: str
    tokens: tuple[int, ...]
    num_frames: int


class BatchDataset(Dataset[Batch]):
    """One epoch's batches in their order; item ``i`` is always the same.

    Augmentation draws from a generator seeded by (seed, epoch, position), so a batch
    depends neither on the worker that makes it nor on the batches before it.
    """

    def __init__(
        self,
        reader: ShardReader,
        utterances: Sequence[Utterance],
        plan: Sequence[Sequence[int]],
        *,
        seed: int = 0,
        epoch: int = 0,
        augment: Augment | None = None,
    ) -> None:
        self.reader = reader
        self.utterances = utterances
        self.plan = plan
        self.key = (seed, epoch)
        self.augment = augment

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, position: int) -> Batch:
        rng = np.random.default_rng((*self.key, position))
        chosen = [self.utterances[i] for i in self.plan[position]]
        arrays = [self.reader.read(utterance.id) for utterance in chosen]
        if self.augment is not None:
            arrays = [self.augment(array, rng) for array in arrays]
        return collate(chosen, arrays)


def collate(
    utterances: Sequence[Utterance], arrays: Sequence[NDArray[np.float32]]
) -> Batch:
    """Pad (T, F) arrays with zeros to one batch."""
    longest = max(len(array) for array in arrays)
    features = np.zeros((len(arrays), longest, arrays[0].shape[1]), np.float32)
    for row, array in zip(features, arrays, strict=True):
        row[: len(array)] = array
    tokens = [token for utterance in utterances for token in utterance.tokens]
    return Batch(
        ids=tuple(utterance.id for utterance in utterances),
        features=torch.from_numpy(features),
        feature_lengths=torch.tensor([len(array) for array in arrays]),
        tokens=torch.tensor(tokens, dtype=torch.long),
        token_lengths=torch.tensor([len(u.tokens) for u in utterances]),
    )


def iterate(
    dataset: BatchDataset, start: int, num_workers: int, rank: int = 0, size: int = 1
) -> Generator[Batch, None, None]:
    """Yield the batches from position ``start`` on, in order, read ahead by workers.

    Of ``size`` processes that share them, each takes every ``size``-th.
    """
    trim_heap()  # before workers inherit it
    loader = DataLoader(
        dataset,
        batch_size=None,
        sampler=range(start + rank, len(dataset), size),
        num_workers=num_workers,
        worker_init_fn=_quiet_worker,
        generator=torch.Generator(),  # else it would draw from the model's dropout
    )
    yield from loader


def _quiet_worker(_: int) -> None:
    """Leave signals to the trainer, which saves first; one thread, low priority.

    Ctrl-C, a batch system and ``timeout`` send theirs to the whole process group.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
    os.nice(1)
