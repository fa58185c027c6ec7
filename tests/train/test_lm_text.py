"""Batches of text: each piece once a pass, and what is in them."""

import numpy as np
import pytest

from asr.lm.train_text import TokenText
from asr.train.lm_text import LmText


def some_text(number: int) -> TokenText:
    rng = np.random.default_rng(0)
    ids = [0]
    for _ in range(number):
        ids += [*rng.integers(1, 9, size=rng.integers(1, 12)).tolist(), 0]
    return TokenText(np.array(ids, np.uint16))


def text_of(source: TokenText, **changes: int) -> LmText:
    options = {"context": 8, "batch_tokens": 40, "epoch_steps": 1000, "seed": 1}
    return LmText(source, **{**options, **changes})


def test_a_batch_by_hand() -> None:
    text = text_of(TokenText(np.array([0, 1, 2, 3, 0, 4, 0], np.uint16)), context=3)
    assert text.pieces.tolist() == [[0, 3], [3, 1], [4, 2]]
    batch = text.batch([2, 0, 1])
    assert batch.inputs.tolist() == [[0, 4, 0], [0, 1, 2], [3, 0, 0]]
    assert batch.targets.tolist() == [[4, 0, 0], [1, 2, 3], [0, 0, 0]]
    assert batch.lengths.tolist() == [2, 3, 1]


@pytest.mark.parametrize("epoch_steps", [1000, 7])
def test_a_pass_has_every_piece_once_within_the_limit(epoch_steps: int) -> None:
    text = text_of(some_text(200), epoch_steps=epoch_steps)
    assert (text.parts > 1) == (epoch_steps == 7)
    for first in (0, text.parts):
        plans = [text.plan(first + part) for part in range(text.parts)]
        assert all(len(plan) <= epoch_steps + 1 for plan in plans)
        batches = [batch for plan in plans for batch in plan]
        assert sorted(i for b in batches for i in b) == list(range(len(text.pieces)))
        sizes = text.pieces[:, 1]
        assert all(max(sizes[b]) * len(b) <= 40 for b in batches)
    assert text.plan(0) != text.plan(text.parts)


def test_an_epoch_goes_on_where_it_was_left() -> None:
    source = some_text(100)
    whole = text_of(source, epoch_steps=9).epoch(4, 0)
    rest = text_of(source, epoch_steps=9).epoch(4, 3)
    groups = list(whole.groups)
    assert list(rest.groups) == groups[3:] and len(groups) == whole.size
    batches = list(whole.feed)
    for one, other in zip(batches[3:], rest.feed, strict=True):
        assert one.inputs.equal(other.inputs) and one.targets.equal(other.targets)
    assert [g.tokens for g in groups] == [int(b.lengths.sum()) for b in batches]
