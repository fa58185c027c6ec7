"""The batches of one update."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from asr.data.batches import FRAMES_PER_SECOND
from asr.data.dataset import Batch, Utterance, collate
from asr.train.split import Split


@dataclass(frozen=True)
class Group:
    """Batches whose gradients are summed to one update, over ranks and over time.

    It is the same whether one process takes its batches one after the other or some
    processes share them: rank r of n takes every n-th position from the r-th on.

    Attributes:
        epoch: from 0.
        positions: in the epoch's plan.
        ids: of the utterances or sentences, batch by batch.
        tokens: of all texts; the loss is a mean over them.
        amount: seconds of audio, or tokens of text, padding not counted.
    """

    epoch: int
    positions: range
    ids: tuple[tuple[str, ...], ...]
    tokens: int
    amount: float

    def rounds(self, size: int) -> int:
        """Batches that the busiest of ``size`` ranks takes."""
        return -(-len(self.positions) // size)

    def own(self, rank: int, size: int) -> range:
        """The positions that a rank takes."""
        return self.positions[rank::size]

    def seed(self, seed: int, position: int) -> int:
        """For the dropout of one batch, on whichever rank and after whatever else."""
        sequence = np.random.SeedSequence((seed, self.epoch, position))
        return int(sequence.generate_state(1, np.uint64)[0])


def groups(
    split: Split, plan: Sequence[Sequence[int]], *, epoch: int, start: int, size: int
) -> Iterator[Group]:
    """Cut a plan, from batch ``start`` on, into groups of ``size``; the last is less."""
    for first in range(start, len(plan), size):
        positions = range(first, min(first + size, len(plan)))
        batches = [[split.utterances[i] for i in plan[p]] for p in positions]
        utterances = [u for batch in batches for u in batch]
        yield Group(
            epoch,
            positions,
            tuple(tuple(u.id for u in batch) for batch in batches),
            sum(len(u.tokens) for u in utterances),
            sum(u.num_frames for u in utterances) / FRAMES_PER_SECOND,
        )


def idle_batch(split: Split) -> Batch:
    """A fraction of a second without words, for a rank that has nothing to do."""
    array = split.reader.read(split.utterances[0].id)[:64]
    return collate([Utterance("idle", (), len(array))], [array])
