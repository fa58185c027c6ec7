"""Every utterance to mean 0 and variance 1, its padding left out of both."""

import torch

from asr.models.normalization import normalize_utterances


def test_statistics_are_those_of_the_real_frames() -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([50, 20])
    x = torch.randn(2, 50, 8) * 3 + 5
    x[1, 20:] = float("nan")
    normed = normalize_utterances(x, lengths)
    assert normed[1, 20:].abs().sum() == 0
    for row, n in zip(normed, lengths.tolist(), strict=True):
        torch.testing.assert_close(row[:n].mean(0), torch.zeros(8), atol=1e-5, rtol=0)
        torch.testing.assert_close(row[:n].var(0, unbiased=False), torch.ones(8))


def test_level_and_channel_do_not_matter() -> None:
    x = torch.randn(1, 30, 4)
    moved = x * torch.tensor([1.0, 2.0, 3.0, 4.0]) + torch.tensor([5.0, 0.0, -3.0, 9.0])
    lengths = torch.tensor([30])
    torch.testing.assert_close(
        normalize_utterances(x, lengths),
        normalize_utterances(moved, lengths),
        atol=1e-4,
        rtol=1e-4,
    )


def test_constant_and_empty_utterances_stay_finite() -> None:
    normed = normalize_utterances(torch.ones(2, 3, 4), torch.tensor([3, 0]))
    assert normed.abs().sum() == 0
