"""Conformer encoder with a CTC output."""

import torch
from torch import Tensor, nn

from asr.models.attention import RelativeAttention, relative_positions
from asr.models.dropout import Dropout
from asr.models.lengths import halved, length_mask
from asr.models.normalization import normalize_utterances
from asr.models.subsampling import ConvSubsampling


class FeedForward(nn.Sequential):
    """Pre-norm feed-forward module with Swish."""

    def __init__(self, dim: int, ff_dim: int, dropout: float) -> None:
        super().__init__(
            nn.LayerNorm(dim),
            nn.Linear(dim, ff_dim),
            nn.SiLU(),
            Dropout(dropout),
            nn.Linear(ff_dim, dim),
            Dropout(dropout),
        )


class ConvolutionModule(nn.Module):
    """Pointwise, gated, depthwise, pointwise; masked right before the depthwise one.

    The paper's batch norm is a layer norm here: its result does not depend on the
    other utterances of the batch, neither in training nor in decoding.
    """

    def __init__(self, dim: int, kernel_size: int, dropout: float) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size {kernel_size} is not odd")
        self.norm = nn.LayerNorm(dim)
        self.pointwise1 = nn.Linear(dim, 2 * dim)
        self.depthwise = nn.Conv1d(
            dim, dim, kernel_size, padding=kernel_size // 2, groups=dim
        )
        self.inner_norm = nn.LayerNorm(dim)
        self.pointwise2 = nn.Linear(dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D) and (B, T), true on real frames -> (B, T, D)."""
        x = nn.functional.glu(self.pointwise1(self.norm(x)), dim=-1)
        x = self._convolve(x * mask[..., None])
        # float(): bf16 layer norm is missing on the CPU in torch 1.13
        x = nn.functional.silu(self.inner_norm(x.float()))
        return self.dropout(self.pointwise2(x))

    def _convolve(self, x: Tensor) -> Tensor:
        """Run the depthwise convolution, on an image of (T, 1) in channels-last memory.

        (B, T, D) lies in memory like one; so nothing is transposed, and oneDNN's kernel
        is eight times quicker than that of ``conv1d``.
        """
        conv = self.depthwise
        image = x.unsqueeze(2).permute(0, 3, 1, 2)  # (B, D, T, 1)
        image = nn.functional.conv2d(
            image,
            conv.weight.unsqueeze(3),
            conv.bias,
            padding=(conv.kernel_size[0] // 2, 0),
            groups=conv.groups,
        )
        return image.permute(0, 2, 3, 1).squeeze(2)


class ConformerLayer(nn.Module):
    """Half feed-forward, attention, convolution, half feed-forward, layer norm."""

    def __init__(
        self, dim: int, num_heads: int, ff_dim: int, kernel_size: int, dropout: float
    ) -> None:
        super().__init__()
        self.ff1 = FeedForward(dim, ff_dim, dropout)
        self.norm_attention = nn.LayerNorm(dim)
        self.attention = RelativeAttention(dim, num_heads, dropout)
        self.convolution = ConvolutionModule(dim, kernel_size, dropout)
        self.ff2 = FeedForward(dim, ff_dim, dropout)
        self.norm = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D) float32 -> (B, T, D) float32.

        Args:
            x: (B, T, D) float32.
            positions: (2T - 1, D) of :func:`relative_positions`.
            mask: (B, T), true on real frames.
        """
        x = x.add(self.ff1(x), alpha=0.5)
        attended = self.attention(self.norm_attention(x), positions, mask)
        x = x + self.dropout(attended)
        x = x + self.convolution(x, mask)
        normed: Tensor = self.norm(x.add(self.ff2(x), alpha=0.5))
        return normed


class Conformer(nn.Module):
    """Conformer (Gulati et al. 2020) with CTC (Graves et al. 2006) on top.

    Args:
        num_features: F, bins of the input.
        vocab_size: V, blank (id 0) included.
        dim: D of the encoder.
        num_layers: of the encoder.
        num_heads: of each attention; divides ``dim``.
        ff_dim: inner size of the feed-forward modules.
        kernel_size: frames of the depthwise convolutions; odd.
        conv_channels: of the subsampling.
        dropout: everywhere.
    """

    def __init__(
        self,
        num_features: int,
        vocab_size: int,
        *,
        dim: int = 144,
        num_layers: int = 8,
        num_heads: int = 4,
        ff_dim: int = 576,
        kernel_size: int = 15,
        conv_channels: int = 64,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.subsampling = ConvSubsampling(num_features, conv_channels, dim)
        self.dropout = Dropout(dropout)
        self.layers = nn.ModuleList(
            ConformerLayer(dim, num_heads, ff_dim, kernel_size, dropout)
            for _ in range(num_layers)
        )
        self.output = nn.Linear(dim, vocab_size)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Compute log-probabilities.

        Args:
            features: (B, T, F) log-mel, float32.
            lengths: (B,) frames of each utterance, int64.

        Returns:
            (B, ceil(T / 4), V) natural log, float32, and (B,) their lengths.
        """
        x = normalize_utterances(features, lengths)
        x, lengths = self.subsampling(x, lengths)
        x = self.dropout(x).float()
        mask = length_mask(lengths, x.size(1))
        positions = relative_positions(x.size(1), x.size(2), x)
        for layer in self.layers:
            x = layer(x, positions, mask)
        return torch.log_softmax(self.output(x).float(), dim=-1), lengths

    @staticmethod
    def output_lengths(lengths: Tensor) -> Tensor:
        """Frames of the log-probs for (B,) input frames: ceil(T / 4)."""
        return halved(halved(lengths))
