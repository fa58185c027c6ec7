"""The Transformer LM looks back only, and padding changes nothing."""

import math

import pytest
import torch

from asr.models.transformer_lm import TransformerLm, alibi, target_log_probs

SIZES = {"dim": 16, "num_layers": 2, "num_heads": 2, "ff_dim": 32}


@pytest.fixture
def model() -> TransformerLm:
    torch.manual_seed(0)
    return TransformerLm(7, **SIZES).eval()


def test_attention_biases_by_hand() -> None:
    inf = math.inf
    first, second = 2.0**-4, 2.0**-8
    expected = [
        [[0, -inf, -inf], [-slope, 0, -inf], [-2 * slope, -slope, 0]]
        for slope in (first, second)
    ]
    assert alibi(3, 2, torch.device("cpu")).tolist() == expected


def test_later_tokens_change_nothing_earlier(model: TransformerLm) -> None:
    tokens = torch.tensor([[0, 3, 2, 5, 1, 6]])
    before = model(tokens, torch.tensor([6]))
    for i in range(1, 6):
        changed = tokens.clone()
        changed[0, i] = 4
        after = model(changed, torch.tensor([6]))
        torch.testing.assert_close(after[0, :i], before[0, :i], rtol=0, atol=1e-6)
        assert (after[0, i:] - before[0, i:]).abs().max() > 1e-3


def test_padded_equals_single_whatever_the_padding_holds(model: TransformerLm) -> None:
    rows = [[0, 3, 2, 5, 1], [0, 4], [0, 6, 6]]
    tokens = torch.full((3, 5), 6)
    for i, row in enumerate(rows):
        tokens[i, : len(row)] = torch.tensor(row)
    together = model(tokens, torch.tensor([5, 2, 3]))
    for i, row in enumerate(rows):
        alone = model(torch.tensor([row]), torch.tensor([len(row)]))
        torch.testing.assert_close(together[i, : len(row)], alone[0], rtol=0, atol=1e-6)
        assert not together[i, len(row) :].any()


def test_rows_are_distributions_and_weights_are_shared(model: TransformerLm) -> None:
    log_probs = model(torch.tensor([[0, 1, 2]]), torch.tensor([3]))
    assert log_probs.shape == (1, 3, 7) and log_probs.dtype == torch.float32
    torch.testing.assert_close(log_probs.exp().sum(dim=2), torch.ones(1, 3))
    sizes = [p.numel() for p in model.parameters()]
    assert sizes.count(7 * 16) == 1  # one table for input and output


def test_target_log_probs_picks_them() -> None:
    log_probs = torch.arange(12.0).view(1, 3, 4)
    found = target_log_probs(log_probs, torch.tensor([[1, 0, 3]]))
    assert found.tolist() == [[1.0, 4.0, 11.0]]


def test_a_size_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        TransformerLm(7, dim=15, num_layers=1, num_heads=2, ff_dim=8)
