"""Loss, averaging, masks and batches."""

import numpy as np
import pytest
import torch

from asr.data.batches import plan_batches
from asr.data.dataset import Utterance, collate
from asr.models.checkpoint import average
from asr.train.loss import ctc_loss, frames_needed
from asr.train.precision import choose_precision
from asr.train.validate import best_path


@pytest.mark.parametrize(
    ("tokens", "frames"), [([], 0), ([1, 2], 2), ([1, 1], 3), ([1, 1, 1, 2], 6)]
)
def test_frames_needed_is_where_the_loss_becomes_finite(
    tokens: list[int], frames: int
) -> None:
    assert frames_needed(tokens) == frames
    if not tokens:
        return
    batch = collate([Utterance("a", tuple(tokens), 4)], [np.zeros((4, 2), np.float32)])
    for length, finite in ((frames, True), (frames - 1, False)):
        log_probs = torch.randn(1, length, 3).log_softmax(-1)
        loss = ctc_loss(log_probs, torch.tensor([length]), batch)
        assert torch.isfinite(loss).item() == finite


def test_ctc_loss_equals_k2() -> None:
    k2 = pytest.importorskip("k2")
    torch.manual_seed(0)
    utterances = [Utterance("a", (1, 2, 2, 3), 9), Utterance("b", (4,), 6)]
    batch = collate(utterances, [np.zeros((9, 2), np.float32)] * 2)
    log_probs = torch.randn(2, 9, 5).log_softmax(-1)
    lengths = torch.tensor([9, 6])
    graph = k2.ctc_graph([list(u.tokens) for u in utterances])
    segments = torch.tensor([[0, 0, 9], [1, 0, 6]], dtype=torch.int32)
    dense = k2.DenseFsaVec(log_probs, segments)
    theirs = k2.ctc_loss(
        graph, dense, reduction="none", target_lengths=batch.token_lengths
    )
    torch.testing.assert_close(ctc_loss(log_probs, lengths, batch), theirs)


def test_average_is_the_mean_and_keeps_counters() -> None:
    states = [
        {"w": torch.tensor([1.0, 2.0]), "n": torch.tensor(3)},
        {"w": torch.tensor([3.0, 6.0]), "n": torch.tensor(5)},
    ]
    mean = average(states)
    assert mean["w"].tolist() == [2.0, 4.0]
    assert mean["n"].item() == 5


def test_best_path_drops_repeats_and_blanks_within_the_length() -> None:
    best = torch.tensor([[0, 1, 1, 0, 1, 2, 2, 2], [2, 2, 0, 0, 0, 1, 1, 1]])
    log_probs = torch.nn.functional.one_hot(best, 3).float()
    assert best_path(log_probs, torch.tensor([8, 4])) == [[1, 1, 2], [2]]


def test_precision_words() -> None:
    cpu = torch.device("cpu")
    assert choose_precision("float32", cpu) is torch.float32
    assert choose_precision("auto", cpu) in (torch.float32, torch.bfloat16)
    with pytest.raises(Exception, match="auto, float32 or bfloat16"):
        choose_precision("half", cpu)


def plan(epoch: int, **options: object) -> list[list[int]]:
    frames = np.random.default_rng(0).integers(50, 900, size=200).tolist()
    return plan_batches(frames, 20.0, seed=3, epoch=epoch, **options)  # type: ignore[arg-type]


def test_every_utterance_is_in_one_batch_of_bounded_size() -> None:
    frames = np.random.default_rng(0).integers(50, 900, size=200)
    batches = plan(0)
    assert sorted(i for batch in batches for i in batch) == list(range(200))
    assert all(frames[b].max() * len(b) <= 2000 for b in batches if len(b) > 1)
    padding = 1 - frames.sum() / sum(frames[b].max() * len(b) for b in batches)
    assert padding < 0.15


def test_plans_are_repeatable_and_differ_by_epoch() -> None:
    assert plan(1) == plan(1) != plan(2)
    ordered = plan(0, by_length=True)
    assert sorted(map(sorted, ordered)) == sorted(map(sorted, plan(0)))
    frames = np.random.default_rng(0).integers(50, 900, size=200)
    means = [frames[b].mean() for b in ordered]
    assert all(b > 0.9 * a for a, b in zip(means, means[1:], strict=False))


def test_one_too_long_utterance_is_alone() -> None:
    batches = plan_batches([100, 9000, 100], 20.0, seed=0, epoch=0)
    assert [1] in batches and len(batches) == 2
