"""Groups of batches: every batch once, whatever the number of processes."""

from pathlib import Path

import pytest

from asr.data.dataset import BatchDataset, iterate
from asr.train.group import groups
from tests.train.toy import toy_split


@pytest.mark.parametrize(("ranks", "accumulate"), [(1, 1), (1, 4), (2, 2), (4, 1)])
@pytest.mark.parametrize("start", [0, 4])
def test_ranks_share_the_same_groups(
    tmp_path: Path, ranks: int, accumulate: int, start: int
) -> None:
    split, _ = toy_split(tmp_path, 14)
    plan = split.plan(2.0, seed=0, epoch=0, by_length=False)
    size = ranks * accumulate
    assert len(plan) % 2 and len(plan) > 6  # does not divide
    found = list(groups(split, plan, epoch=0, start=start, size=size))
    assert [p for g in found for p in g.positions] == list(range(start, len(plan)))
    dataset = BatchDataset(split.reader, split.utterances, plan)
    streams = [iterate(dataset, start, 0, rank, ranks) for rank in range(ranks)]
    for group in found:
        tokens, ids = 0, {}
        for rank, stream in enumerate(streams):
            own = group.own(rank, ranks)
            assert group.rounds(ranks) - len(own) in (0, 1)
            for position in own:
                batch = next(stream)
                tokens += len(batch.tokens)
                ids[position] = batch.ids
        assert tokens == group.tokens
        assert tuple(ids[p] for p in group.positions) == group.ids
    assert all(next(stream, None) is None for stream in streams)


def test_every_batch_has_a_seed_of_its_own(tmp_path: Path) -> None:
    split, _ = toy_split(tmp_path)
    plan = split.plan(2.0, seed=0, epoch=0, by_length=False)
    seeds = {
        group.seed(seed, position)
        for seed in (0, 1)
        for epoch in (0, 1)
        for group in groups(split, plan, epoch=epoch, start=0, size=3)
        for position in group.positions
    }
    assert len(seeds) == 4 * len(plan)
