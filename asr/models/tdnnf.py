"""A factored time-delay network with a CTC output."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from asr.models.lengths import zero_padding
from asr.models.masked_norm import MaskedBatchNorm
from asr.models.normalization import normalize_utterances

BYPASS = 0.66  # of a layer's input that is added to its output, as in the paper


class FactoredLayer(nn.Module):
    """dim -> bottleneck from two frames, -> dim from two frames; ReLU, batch norm.

    Both factors look at two frames: t - s and t, then t and t + s. The products of a
    frame are made once for both, and the small results shifted: no wide row is copied.

    Args:
        dim: D of input and output.
        bottleneck: between the factors.
        stride: s, in frames.
        dropout: see :class:`ChannelDropout`.
    """

    def __init__(self, dim: int, bottleneck: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.stride = stride
        self.reduce = nn.Linear(dim, 2 * bottleneck, bias=False)
        self.expand = nn.Linear(2 * bottleneck, dim)
        nn.init.orthogonal_(self.reduce.weight)
        nn.init.orthogonal_(self.expand.weight)
        self.norm = MaskedBatchNorm(dim, affine=False)
        self.dropout = ChannelDropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D), zero where padded, and (B,) lengths -> the same."""
        earlier, here = self.reduce(x).chunk(2, dim=-1)
        # What the first factor hears just behind an utterance's end depends on padding.
        inner = zero_padding(here + shifted(earlier, self.stride), lengths)
        pair = torch.cat((inner, shifted(inner, -self.stride)), dim=-1)
        y = self.norm(nn.functional.relu(self.expand(pair)), lengths)
        return BYPASS * x + self.dropout(y)


class ChannelDropout(nn.Dropout):
    """Scales each channel of an utterance by a random factor, the same for all frames.

    The factor is uniform in [1 - 2 p, 1 + 2 p]: Kaldi's continuous dropout, which its
    TDNN-F recipes share over time. It takes no time on a CPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        if not self.training or self.p == 0:
            return x
        noise = 2 * torch.rand(len(x), 1, x.size(-1), device=x.device) - 1
        return x * (1 + 2 * self.p * noise).to(x.dtype)


def shifted(x: Tensor, frames: int) -> Tensor:
    """Row t of (B, T, D) becomes row t - ``frames``, zero outside."""
    begin, end = max(frames, 0), max(-frames, 0)
    padded = nn.functional.pad(x, (0, 0, begin, end))
    return padded[:, end : end + x.size(1)]


class Tdnnf(nn.Module):
    """TDNN-F (Povey et al., "Semi-orthogonal low-rank matrix factorization for deep
    neural networks", Interspeech 2018): Kaldi's model of its chain recipes.

    The factors begin orthogonal and are not kept so; there is no i-vector. Layers are
    products of matrices at a third of the frame rate, so a CPU runs them near its peak.

    Args:
        num_features: F, bins of the input.
        vocab_size: V, blank (id 0) included.
        dim: D of the layers.
        bottleneck: of the factored layers.
        strides: of each factored layer, in output frames; their sum, twice, is what an
            output sees to either side.
        subsampling: input frames for one output frame.
        dropout: of the layers' channels, see :class:`ChannelDropout`.

    Raises:
        ValueError: no layer, or a stride below 1.
    """

    def __init__(
        self,
        num_features: int,
        vocab_size: int,
        *,
        dim: int = 384,
        bottleneck: int = 96,
        strides: Sequence[int] = (1, 1, 1, 2, 2, 2, 3, 3, 3),
        subsampling: int = 3,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if not strides or min(strides) < 1:
            raise ValueError(f"strides {list(strides)}: at least one, each at least 1")
        self.subsampling = subsampling
        self.splice = Splice(subsampling)
        self.input = nn.Linear(num_features * self.splice.width, dim)
        self.input_norm = MaskedBatchNorm(dim, affine=False)
        self.layers = nn.ModuleList(
            FactoredLayer(dim, bottleneck, stride, dropout) for stride in strides
        )
        self.prefinal = nn.Linear(dim, dim // 2)
        self.output_norm = MaskedBatchNorm(dim // 2, affine=False)
        self.output = nn.Linear(dim // 2, vocab_size)
        nn.init.zeros_(self.output.weight)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Compute log-probabilities.

        Args:
            features: (B, T, F) log-mel, float32.
            lengths: (B,) frames of each utterance, int64.

        Returns:
            (B, ceil(T / subsampling), V) natural log, float32, and (B,) their lengths.
        """
        x = self.splice(normalize_utterances(features, lengths))
        lengths = self.output_lengths(lengths)
        x = self.input_norm(nn.functional.relu(self.input(x)), lengths)
        for layer in self.layers:
            x = layer(x, lengths)
        x = self.output_norm(nn.functional.relu(self.prefinal(x)), lengths)
        return torch.log_softmax(self.output(x).float(), dim=-1), lengths

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Frames of the log-probs for (B,) input frames: ceil(T / subsampling)."""
        above = lengths + self.subsampling - 1
        return torch.div(above, self.subsampling, rounding_mode="floor")


class Splice(nn.Module):
    """Windows of input frames, one for each output frame, with a frame on each side.

    Args:
        step: frames from one window to the next.
    """

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step, self.width = step, step + 2

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F), zero where padded -> (B, ceil(T / step), width * F)."""
        count = math.ceil(x.size(1) / self.step)
        missing = count * self.step - x.size(1)
        padded = nn.functional.pad(x, (0, 0, 1, 1 + missing))
        windows = padded.unfold(1, self.width, self.step)  # (B, T', F, width)
        return windows.transpose(2, 3).flatten(2)
