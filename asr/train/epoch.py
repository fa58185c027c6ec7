"""One epoch: the updates that are planned, and the batches this process gives them."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from asr.config import TrainConfig
from asr.data.dataset import Augment, Batch, BatchDataset, iterate
from asr.train.group import Group, groups
from asr.train.split import Split
from asr.train.world import World

BatchT = TypeVar("BatchT")


class Feed(Iterator[BatchT]):
    """Passes batches on and remembers the last one, for the log.

    Attributes:
        last: the batch given out last; None before the first.
    """

    def __init__(self, batches: Iterator[BatchT]) -> None:
        self._batches = batches
        self.last: BatchT | None = None

    def __next__(self) -> BatchT:
        batch = next(self._batches)
        self.last = batch
        return batch


@dataclass(frozen=True)
class Epoch(Generic[BatchT]):
    """What is left of an epoch.

    Attributes:
        groups: the updates to come.
        feed: this process's part of their batches, in order.
        size: batches of the whole epoch.
    """

    groups: Iterator[Group]
    feed: Feed[BatchT]
    size: int


def epoch_plan(split: Split, config: TrainConfig, epoch: int) -> list[list[int]]:
    """The batches of an epoch, from 0, as indices into the split's utterances."""
    return split.plan(
        config.batch_seconds,
        seed=config.seed,
        epoch=epoch,
        by_length=epoch < config.sorted_epochs,
    )


@contextlib.contextmanager
def open_epoch(
    split: Split,
    config: TrainConfig,
    world: World,
    augment: Augment | None,
    epoch: int,
    start: int,
) -> Iterator[Epoch[Batch]]:
    """Inside ``with``, workers load the epoch's batches from ``start`` on.

    Leaving it ends them: workers that wait would keep a failing process alive.
    """
    plan = epoch_plan(split, config, epoch)
    dataset = BatchDataset(
        split.reader,
        split.utterances,
        plan,
        seed=config.seed,
        epoch=epoch,
        augment=augment,
    )
    size = group_size(config, world)
    planned = groups(split, plan, epoch=epoch, start=start, size=size)
    batches = iterate(dataset, start, config.num_workers, world.rank, world.size)
    with contextlib.closing(batches):
        yield Epoch(planned, Feed(batches), len(plan))


def group_size(config: TrainConfig, world: World) -> int:
    """Batches of one update, over time and over processes."""
    return config.accumulate * world.size


def updates(plan: Sequence[Sequence[int]], config: TrainConfig, world: World) -> int:
    """Of an epoch."""
    return -(-len(plan) // group_size(config, world))
