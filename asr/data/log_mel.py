"""Kaldi's log-mel filter bank, a piece of an utterance at a time.

The same numbers as lhotse's ``Fbank``, but a piece's frames, spectra and powers stay in
the processor's cache, and no product is formed with the zeros of the mel filters.
"""

import math
from functools import cache

import numpy as np
import torch
from lhotse import FbankConfig
from lhotse.features.kaldi.layers import create_frame_window, get_mel_banks
from numpy.typing import NDArray
from torch import Tensor

PIECE = 512  # frames
BANDS = 4  # of neighbouring filters, which are zero elsewhere
FLOOR = torch.finfo(torch.float32).eps

Samples = NDArray[np.float32]
Features = NDArray[np.float32]


class LogMel:
    """Log-mel features of whole utterances; frames and filters as in ``FbankConfig``.

    Args:
        sample_rate: Hz.
        num_bins: mel filters.
    """

    def __init__(self, sample_rate: int, num_bins: int) -> None:
        kaldi = FbankConfig(sampling_rate=sample_rate, num_filters=num_bins)
        self.num_bins, self.preemphasis = num_bins, kaldi.preemph_coeff
        self.width = math.floor(kaldi.frame_length * sample_rate)
        self.hop = math.floor(kaldi.frame_shift * sample_rate)
        self.fft = 1 << (self.width - 1).bit_length()
        self.window: Tensor = create_frame_window(self.width, kaldi.window_type)
        filters, _ = get_mel_banks(
            num_bins, self.fft, sample_rate, kaldi.low_freq, kaldi.high_freq
        )
        self.bands = [_trimmed(band) for band in filters.tensor_split(BANDS)]

    def __call__(self, samples: Samples) -> Features:
        """Return the (T, num_bins) features of (num_samples,); T is 0 below half a hop.

        The signal is mirrored at both ends, as Kaldi does with ``snip_edges`` false.
        """
        frames = (len(samples) + self.hop // 2) // self.hop
        features = torch.empty(frames, self.num_bins)
        if frames:
            strided = torch.from_numpy(self._mirrored(samples, frames))
            strided = strided.unfold(0, self.width, self.hop)
            padded = torch.zeros(min(frames, PIECE), self.fft)
            pieces = zip(strided.split(PIECE), features.split(PIECE), strict=True)
            for piece, result in pieces:
                self._compute(piece, padded[: len(piece)], result)
        features.clamp_(min=FLOOR).log_()
        return np.asarray(features.numpy(), np.float32)

    def _mirrored(self, samples: Samples, frames: int) -> Samples:
        """What the frames cover, the ends' reflections included."""
        left = (self.width - self.hop) // 2
        size = (frames - 1) * self.hop + self.width
        right = max(0, size - left - len(samples))
        mirrored = np.pad(samples, (left, right), mode="symmetric")
        return np.asarray(mirrored[:size], np.float32)

    def _compute(self, frames: Tensor, padded: Tensor, result: Tensor) -> None:
        """Put the filters' energies of (N, width) frames into (N, num_bins) ``result``.

        ``padded`` is (N, fft), zero from ``width`` on; its content does not matter.
        """
        level = frames - frames.mean(1, keepdim=True)
        signal = padded[:, : self.width]
        # The first sample of a frame has itself for a predecessor.
        torch.mul(level[:, :-1], self.preemphasis, out=signal[:, 1:])
        torch.mul(level[:, :1], self.preemphasis, out=signal[:, :1])
        torch.sub(level, signal, out=signal)
        signal *= self.window
        power = torch.fft.rfft(padded).abs().square_()
        first = 0
        for low, weights in self.bands:
            high, last = low + len(weights), first + weights.shape[1]
            result[:, first:last] = power[:, low:high] @ weights
            first = last


@cache
def log_mel(sample_rate: int, num_bins: int) -> LogMel:
    """The filter bank, made once."""
    return LogMel(sample_rate, num_bins)


def _trimmed(filters: Tensor) -> tuple[int, Tensor]:
    """Drop the spectrum's bins in which all of (N, fft / 2) filters are zero.

    Returns:
        The first bin that is left, and the (bins, N) weights from there on.
    """
    used = filters.any(0).nonzero().flatten()
    low, high = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0)
    return low, filters[:, low:high].T.contiguous()
