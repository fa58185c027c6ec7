"""DeepSpeech2 with a CTC output."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from asr.models.dropout import Dropout
from asr.models.lengths import halved, zero_padding
from asr.models.masked_norm import MaskedBatchNorm
from asr.models.normalization import normalize_utterances


class MaskedConv(nn.Module):
    """2-D convolution of stride 2 in time, batch norm and ReLU, padding kept at zero."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride=2, padding=padding, bias=False
        )
        self.norm = MaskedBatchNorm(outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, F, C) with zero padding -> (B, ceil(T / 2), ceil(F / 2), C')."""
        x, lengths = self._convolve(x), halved(lengths)
        return nn.functional.relu(self.norm(x, lengths)), lengths

    def _convolve(self, x: Tensor) -> Tensor:
        """Of many channels as images of (F, T): oneDNN likes the long side innermost.

        It takes 290 instead of 520 ms forward and backward; of one channel, as images
        of (T, F), 80 instead of 160 ms.
        """
        conv = self.conv
        if conv.in_channels == 1:
            return conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        image = nn.functional.conv2d(
            x.permute(0, 3, 2, 1).contiguous(),
            conv.weight.transpose(2, 3).contiguous(),
            stride=conv.stride[::-1],
            padding=(conv.kernel_size[1] // 2, conv.kernel_size[0] // 2),
        )
        return image.permute(0, 3, 2, 1)


def flip_by_length(x: Tensor, lengths: Tensor) -> Tensor:
    """Reverse every utterance of (B, T, D) in time, its padding staying at the end."""
    frame = torch.arange(x.size(1), device=x.device)[None]
    source = torch.where(frame < lengths[:, None], lengths[:, None] - 1 - frame, frame)
    return x.gather(1, source[..., None].expand(x.shape))


class BidirectionalRnn(nn.Module):
    """Batch norm, then a recurrent layer in both directions, summed as in the paper.

    The backward direction runs forward over utterances that are each reversed within
    their own length, so that no padding is read before a real frame and nothing has to
    be packed (packing takes twice the time on a CPU).
    """

    def __init__(self, kind: str, inputs: int, dim: int) -> None:
        super().__init__()
        rnn: Callable[..., nn.Module] = {"gru": nn.GRU, "lstm": nn.LSTM}[kind]
        self.norm = MaskedBatchNorm(inputs)
        self.forwards = rnn(inputs, dim, batch_first=True)
        self.backwards = rnn(inputs, dim, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D) and (B,) lengths -> (B, T, dim)."""
        x = self.norm(x, lengths)
        ahead, _ = self.forwards(x)
        back, _ = self.backwards(flip_by_length(x, lengths))
        return zero_padding(ahead + flip_by_length(back, lengths), lengths)


class DeepSpeech2(nn.Module):
    """DeepSpeech2 (Amodei et al. 2016): convolutions, recurrent layers, CTC.

    Args:
        num_features: F, bins of the input.
        vocab_size: V, blank (id 0) included.
        conv_channels: of both 2-D convolutions (11 x 41 and 11 x 21).
        rnn: ``gru`` or ``lstm``.
        rnn_dim: of each direction.
        num_layers: recurrent layers.
        dropout: between the recurrent layers.

    Raises:
        ValueError: another ``rnn``.
    """

    def __init__(
        self,
        num_features: int,
        vocab_size: int,
        *,
        conv_channels: int = 32,
        rnn: str = "gru",
        rnn_dim: int = 256,
        num_layers: int = 4,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if rnn not in ("gru", "lstm"):
            raise ValueError(f"rnn {rnn!r} is neither 'gru' nor 'lstm'")
        self.conv1 = MaskedConv(1, conv_channels, (11, 41))
        self.conv2 = MaskedConv(conv_channels, conv_channels, (11, 21))
        inputs = conv_channels * ((num_features + 3) // 4)
        self.rnns = nn.ModuleList(
            BidirectionalRnn(rnn, rnn_dim if i else inputs, rnn_dim)
            for i in range(num_layers)
        )
        self.dropout = Dropout(dropout)
        self.output_norm = MaskedBatchNorm(rnn_dim)
        self.output = nn.Linear(rnn_dim, vocab_size)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Compute log-probabilities.

        Args:
            features: (B, T, F) log-mel, float32.
            lengths: (B,) frames of each utterance, int64.

        Returns:
            (B, ceil(T / 4), V) natural log, float32, and (B,) their lengths.
        """
        x = normalize_utterances(features, lengths).unsqueeze(-1)
        x, lengths = self.conv1(x, lengths)
        x, lengths = self.conv2(x, lengths)
        x = x.flatten(2)
        for rnn in self.rnns:
            x = self.dropout(rnn(x, lengths))
        x = self.output(self.output_norm(x, lengths))
        return torch.log_softmax(x.float(), dim=-1), lengths

    @staticmethod
    def output_lengths(lengths: Tensor) -> Tensor:
        """Frames of the log-probs for (B,) input frames: ceil(T / 4)."""
        return halved(halved(lengths))
