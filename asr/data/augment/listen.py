"""Log-mel features as sound, to hear what was done to them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asr.data.augment.mel_axis import bin_of

Samples = NDArray[np.float32]

FFT, WINDOW, HOP = 512, 0.025, 0.01  # samples; seconds
PREEMPHASIS = 0.97
ROUNDS = 32
MOMENTUM = 0.99


def to_audio(features: NDArray[np.float32], sample_rate: int) -> Samples:
    """Return (T * hop,) samples whose log-mel features are about (T, F) ``features``.

    Phases are found by Griffin and Lim's (1984) iteration, with the momentum of
    Perraudin et al. (2013), from fixed random ones. Detail between the filters is
    lost, so compare the result only with another made in this way.
    """
    hop, frames = round(HOP * sample_rate), len(features)
    magnitude = _magnitude(features, sample_rate)
    magnitude = torch.cat([magnitude, magnitude[:, -1:]], dim=1)  # centred frames
    width = round(WINDOW * sample_rate)
    window = torch.hann_window(width)

    def sound(spectrum: Tensor) -> Tensor:
        return torch.istft(spectrum, FFT, hop, width, window, length=frames * hop)

    turn = torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(0))
    phase = torch.polar(torch.ones_like(magnitude), 2 * torch.pi * turn)
    before = torch.zeros_like(phase)
    for _ in range(ROUNDS):
        samples = sound(magnitude * phase)
        found = torch.stft(samples, FFT, hop, width, window, return_complex=True)
        phase = found + MOMENTUM * (found - before)
        phase = phase / phase.abs().clamp(min=1e-12)
        before = found
    return np.asarray(sound(magnitude * phase).numpy(), np.float32)


def _magnitude(features: NDArray[np.float32], sample_rate: int) -> Tensor:
    """(FFT / 2 + 1, T) magnitudes: the filters undone by least squares."""
    hertz = np.linspace(0, sample_rate / 2, FFT // 2 + 1)
    bins = features.shape[1]
    position = bin_of(hertz, sample_rate, bins)[None, :] - np.arange(bins)[:, None]
    filters = np.clip(1 - np.abs(position), 0, None)  # triangles on the mel axis
    power = np.linalg.pinv(filters) @ np.exp(features.T.astype(np.float64))
    emphasis = np.abs(1 - PREEMPHASIS * np.exp(-2j * np.pi * hertz / sample_rate))
    magnitude = np.sqrt(np.clip(power, 0, None)) / emphasis[:, None]
    return torch.from_numpy(magnitude.astype(np.float32))
