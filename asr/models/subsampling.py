"""Convolutional subsampling by 4, as in front of the Conformer."""

import torch
from torch import Tensor, nn

from asr.models.lengths import halved, length_mask, zero_padding

CHUNK = 2048  # input frames at a time on a CPU: about what its caches hold


class ConvSubsampling(nn.Module):
    """Two 3 x 3 convolutions of stride 2 over time and frequency, then a projection.

    Follows "Conformer" (Gulati et al. 2020), with the padding set to zero before each
    convolution, so that an utterance's output does not depend on its batch.

    Args:
        num_features: F, bins of the input.
        channels: of both convolutions.
        dim: D of the output.
    """

    def __init__(self, num_features: int, channels: int, dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.proj = nn.Linear(channels * ((num_features + 3) // 4), dim)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, F) features and (B,) lengths -> (B, ceil(T / 4), D) and lengths."""
        x = zero_padding(x, lengths)
        lengths = halved(lengths)
        size = len(x) if x.is_cuda else max(1, CHUNK // x.size(1))
        parts = zip(x.split(size), lengths.split(size), strict=True)
        x = torch.cat([self.relu(self.conv2(self._first(*part))) for part in parts])
        x = x.transpose(1, 2).flatten(2)  # (B, T', C * F')
        return self.proj(x), halved(lengths)

    def _first(self, x: Tensor, lengths: Tensor) -> Tensor:
        """First convolution and ReLU as one matrix product, zero where padded.

        (B, T, F) and (B,) lengths of the output -> (B, C, ceil(T / 2), ceil(F / 2)).

        A product, because oneDNN's convolution of one channel takes five times as long. The
        bias is the weight of an input that is 1, or 0 where padded, as is the rest of
        the input there: so the output is zero there, too.
        """
        windows = nn.functional.pad(x, (1, 1, 1, 1)).unfold(1, 3, 2).unfold(2, 3, 2)
        batch, frames, bins = windows.shape[:3]
        patches = x.new_ones(batch, 10, frames, bins)
        patches[:, :9] = windows.flatten(3).permute(0, 3, 1, 2)
        patches *= length_mask(lengths, frames)[:, None, :, None]
        kernel, bias = self.conv1.parameters()
        weight = torch.cat((kernel.flatten(1), bias[:, None]), dim=1)
        result = self.relu(weight.expand(batch, -1, -1) @ patches.flatten(2))
        return result.view(batch, -1, frames, bins)
