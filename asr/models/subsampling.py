"""Convolutional subsampling by 4, as in front of the Conformer."""

from torch import Tensor, nn

from asr.models.lengths import halved, zero_padding


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
        self.relu = nn.ReLU()
        self.proj = nn.Linear(channels * ((num_features + 3) // 4), dim)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, F) features and (B,) lengths -> (B, ceil(T / 4), D) and lengths."""
        x = zero_padding(x, lengths).unsqueeze(1)  # (B, 1, T, F)
        for conv in (self.conv1, self.conv2):
            x = self.relu(conv(x))
            lengths = halved(lengths)
            x = zero_padding(x.transpose(1, 2), lengths).transpose(1, 2)
        x = x.transpose(1, 2).flatten(2)  # (B, T', C * F')
        return self.proj(x), lengths
