"""Public models between the recipe's own input and output, of equal size.

Each takes what ours take, (B, T, F) features and (B,) lengths, and gives (B, T / 4, V)
log-probabilities and their lengths.
"""

import importlib.util
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from asr.models.lengths import halved, length_mask
from asr.models.normalization import normalize_utterances

BINS = 80


class Subsampling(nn.Module):
    """The usual two convolutions of stride 2 and a projection, without masks."""

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, channels, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        self.proj = nn.Linear(channels * BINS // 4, dim)

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolutions(x.unsqueeze(1))
        projected: Tensor = self.proj(x.transpose(1, 2).flatten(2))
        return projected


class PeerConformer(nn.Module):
    """Subsampling, somebody's Conformer encoder, linear output.

    Args:
        options: of our own Conformer.
        vocab_size: V.
    """

    def __init__(self, options: Mapping[str, Any], vocab_size: int) -> None:
        super().__init__()
        dim = options["dim"]
        self.subsampling = Subsampling(options["conv_channels"], dim)
        self.dropout = nn.Dropout(options["dropout"])
        self.output = nn.Linear(dim, vocab_size)

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        raise NotImplementedError

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x = self.subsampling(normalize_utterances(features, lengths))
        lengths = halved(halved(lengths))
        x = self.output(self.encode(self.dropout(x), lengths))
        return torch.log_softmax(x.float(), dim=-1), lengths


class TorchaudioConformer(PeerConformer):
    """``torchaudio.models.Conformer``: attention without positions, batch norm."""

    def __init__(self, options: Mapping[str, Any], vocab_size: int) -> None:
        super().__init__(options, vocab_size)
        from torchaudio.models import Conformer

        self.encoder = Conformer(
            options["dim"],
            options["num_heads"],
            options["ff_dim"],
            options["num_layers"],
            options["kernel_size"],
            dropout=options["dropout"],
        )

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        encoded: Tensor = self.encoder(x, lengths)[0]
        return encoded


class SpeechBrainConformer(PeerConformer):
    """SpeechBrain's ``ConformerEncoder``.

    Args:
        options, vocab_size: as above.
        attention: ``RelPosMHAXL``, relative as ours, or ``regularMHA``, without
            positions.
    """

    def __init__(
        self, options: Mapping[str, Any], vocab_size: int, attention: str
    ) -> None:
        super().__init__(options, vocab_size)
        from speechbrain.lobes.models.transformer import Conformer
        from speechbrain.nnet.attention import RelPosEncXL

        relative = attention == "RelPosMHAXL"
        self.positions = RelPosEncXL(options["dim"]) if relative else None
        self.encoder = Conformer.ConformerEncoder(
            options["num_layers"],
            options["dim"],
            options["ff_dim"],
            options["num_heads"],
            options["kernel_size"],
            dropout=options["dropout"],
            attention_type=attention,
        )

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        encoded: Tensor = self.encoder(
            x,
            src_key_padding_mask=~length_mask(lengths, x.size(1)),
            pos_embs=None if self.positions is None else self.positions(x),
        )[0]
        return encoded


class PeerDeepSpeech2(nn.Module):
    """The layers of PyPI's asr-deepspeech, which are those of deepspeech.pytorch.

    Put together as its ``build_network`` does, but for the second convolution, which
    takes every other frame here as ours does (there, the RNNs see 50 frames a second).
    """

    def __init__(self, options: Mapping[str, Any], vocab_size: int) -> None:
        super().__init__()
        blocks, channels = _asr_deepspeech_blocks(), options["conv_channels"]
        rnn = {"gru": nn.GRU, "lstm": nn.LSTM}[options["rnn"]]
        dim, inputs = options["rnn_dim"], channels * BINS // 4
        self.conv = blocks.MaskConv(
            nn.Sequential(
                nn.Conv2d(1, channels, (41, 11), stride=(2, 2), padding=(20, 5)),
                nn.BatchNorm2d(channels),
                nn.Hardtanh(0, 20, inplace=True),
                nn.Conv2d(channels, channels, (21, 11), stride=(2, 2), padding=(10, 5)),
                nn.BatchNorm2d(channels),
                nn.Hardtanh(0, 20, inplace=True),
            )
        )
        self.rnns = nn.ModuleList(
            blocks.BatchRNN(
                dim if i else inputs,
                dim,
                rnn_type=rnn,
                bidirectional=True,
                batch_norm=i > 0,
            )
            for i in range(options["num_layers"])
        )
        self.output = blocks.SequenceWise(
            nn.Sequential(nn.BatchNorm1d(dim), nn.Linear(dim, vocab_size, bias=False))
        )

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x = normalize_utterances(features, lengths).transpose(1, 2).unsqueeze(1)
        lengths = halved(halved(lengths))
        x, _ = self.conv(x, lengths)
        x = x.flatten(1, 2).permute(2, 0, 1).contiguous()  # (T, B, C * F)
        for rnn in self.rnns:
            x = rnn(x, lengths.cpu())
        x = self.output(x).transpose(0, 1)
        return torch.log_softmax(x.float(), dim=-1), lengths


def _asr_deepspeech_blocks() -> ModuleType:
    """One file of the package; importing all of it wants a server's configuration."""
    package = importlib.util.find_spec("asr_deepspeech")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("asr_deepspeech: see requirements-peers.txt")
    path = package.origin.replace("__init__.py", "modules/blocks.py")
    spec = importlib.util.spec_from_file_location("asr_deepspeech_blocks", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Peer = Callable[[Mapping[str, Any], int], nn.Module]

CONFORMERS: dict[str, Peer] = {
    "torchaudio": TorchaudioConformer,
    "SpeechBrain, RelPosMHAXL": lambda options, size: SpeechBrainConformer(
        options, size, "RelPosMHAXL"
    ),
    "SpeechBrain, regularMHA": lambda options, size: SpeechBrainConformer(
        options, size, "regularMHA"
    ),
}
DEEPSPEECH2: dict[str, Peer] = {"asr-deepspeech": PeerDeepSpeech2}
