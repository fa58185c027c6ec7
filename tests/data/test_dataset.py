"""Padded batches from shards, in any order and by any worker."""

from functools import partial
from pathlib import Path

import numpy as np
import torch

from asr.data.augment.specaugment import spec_augment
from asr.data.dataset import Batch, BatchDataset, Utterance, collate, iterate
from tests.train.toy import toy_split

PLAN = [[3, 1], [0], [5, 2, 4]]
AUGMENT = partial(
    spec_augment,
    time_warp=5,
    freq_masks=1,
    freq_width=5,
    time_masks=1,
    time_width=20,
    time_ratio=0.5,
)


def batches(folder: Path, start: int = 0, workers: int = 0) -> list[Batch]:
    split, _ = toy_split(folder)
    dataset = BatchDataset(
        split.reader, split.utterances, PLAN, seed=1, epoch=2, augment=AUGMENT
    )
    return list(iterate(dataset, start, workers))


def same(a: Batch, b: Batch) -> bool:
    return a.ids == b.ids and torch.equal(a.features, b.features)


def test_collate_pads_with_zeros_and_joins_tokens() -> None:
    utterances = [Utterance("a", (1, 2), 2), Utterance("b", (), 3)]
    arrays = [np.ones((2, 4), np.float32), np.full((3, 4), 2, np.float32)]
    batch = collate(utterances, arrays)
    assert batch.features.shape == (2, 3, 4)
    assert batch.features[0, 2].abs().sum() == 0
    assert batch.features[1].unique().tolist() == [2.0]
    assert batch.tokens.tolist() == [1, 2]
    assert batch.token_lengths.tolist() == [2, 0]
    assert batch.seconds == 0.05


def test_batches_follow_the_plan(tmp_path: Path) -> None:
    ids = [batch.ids for batch in batches(tmp_path)]
    assert ids == [("utt03", "utt01"), ("utt00",), ("utt05", "utt02", "utt04")]


def test_a_batch_depends_only_on_its_position(tmp_path: Path) -> None:
    whole = batches(tmp_path)
    resumed = batches(tmp_path, start=1)
    worked = batches(tmp_path, workers=2)
    assert len(resumed) == 2
    assert all(map(same, whole[1:], resumed))
    assert all(map(same, whole, worked))


def test_reading_ahead_leaves_the_model_s_random_numbers_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    batches(tmp_path, workers=1)
    assert torch.equal(torch.rand(3), expected)
