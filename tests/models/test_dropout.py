"""Dropout with its own source of chance."""

import pytest
import torch

from asr.models.dropout import Dropout, random_mask

CPU = torch.device("cpu")


@pytest.mark.parametrize("p", [0.1, 0.5, 1e-6, 1 - 1e-6])
def test_as_many_are_dropped_as_wished(p: float) -> None:
    torch.manual_seed(0)
    mask = random_mask(torch.Size((1000, 1001)), p, CPU)
    dropped = float((mask == 0).float().mean())
    assert abs(dropped - p) < 2**-16 + 4 * (p * (1 - p) / 1e6) ** 0.5


def test_the_mean_stays() -> None:
    mask = random_mask(torch.Size((100,)), 0.25, CPU)
    kept = mask[mask != 0]
    assert 0 < len(kept) < 100
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / 0.75))


def test_elements_are_dropped_independently() -> None:
    """Of its neighbours in either direction, and of the mask before."""
    torch.manual_seed(0)
    first, second = (random_mask(torch.Size((512, 512)), 0.3, CPU) for _ in range(2))
    for other in (first.roll(1, 0), first.roll(1, 1), first.roll(4, 1), second):
        both = torch.stack((first.flatten(), other.flatten()))
        assert abs(float(torch.corrcoef(both)[0, 1])) < 4 / 512


def test_the_seed_decides() -> None:
    dropout, x = Dropout(0.2), torch.ones(7, 3)
    torch.manual_seed(3)
    first, second = dropout(x), dropout(x)
    torch.manual_seed(3)
    assert torch.equal(dropout(x), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_gradient_passes_where_the_value_does(p: float) -> None:
    x = torch.ones(50, 50, requires_grad=True)
    dropped = Dropout(p)(x)
    dropped.sum().backward()
    assert torch.equal(x.grad, dropped.detach())


def test_nothing_is_dropped_in_evaluation() -> None:
    x = torch.randn(5)
    assert torch.equal(Dropout(0.9).eval()(x), x)
