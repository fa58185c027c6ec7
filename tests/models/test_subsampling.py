"""Convolutional subsampling."""

import pytest
import torch
from torch import nn

from asr.models import subsampling
from asr.models.subsampling import ConvSubsampling


@pytest.mark.parametrize("frames", [1, 2, 8, 13])
@pytest.mark.parametrize("chunk", [1, 20, 10**6])
def test_equals_two_convolutions(
    frames: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of utterances without padding, gradients of the weights included."""
    monkeypatch.setattr(subsampling, "CHUNK", chunk)
    torch.manual_seed(0)
    module = ConvSubsampling(num_features=10, channels=3, dim=4)
    plain = nn.Sequential(module.conv1, nn.ReLU(), module.conv2, nn.ReLU())
    x, lengths = torch.randn(4, frames, 10), torch.full((4,), frames)
    images = plain(x.unsqueeze(1))
    expected = module.proj(images.transpose(1, 2).flatten(2))
    found, found_lengths = module(x, lengths)
    torch.testing.assert_close(found, expected)
    assert found_lengths.tolist() == [expected.size(1)] * 4
    weights = torch.randn_like(found)
    parameters = list(module.parameters())
    torch.testing.assert_close(
        torch.autograd.grad((found * weights).sum(), parameters),
        torch.autograd.grad((expected * weights).sum(), parameters),
    )
