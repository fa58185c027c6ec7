"""Lengths and masks of padded batches."""

import torch
from torch import Tensor

SUBSAMPLING = 4


def halved(lengths: Tensor) -> Tensor:
    """Frames after a convolution of stride 2, padded by half its odd kernel."""
    return torch.div(lengths + 1, 2, rounding_mode="floor")


def subsampled(num_frames: int, step: int = SUBSAMPLING) -> int:
    """Output frames of a model for one utterance, one for each ``step``, rounded up."""
    return (num_frames + step - 1) // step


def length_mask(lengths: Tensor, size: int) -> Tensor:
    """Return (B, size) booleans, true where a frame is no padding."""
    return torch.arange(size, device=lengths.device) < lengths[:, None]


def zero_padding(x: Tensor, lengths: Tensor) -> Tensor:
    """Set the padding of (B, T, ...) to exactly zero, whatever it held."""
    mask = length_mask(lengths, x.size(1))
    mask = mask.view(*mask.shape, *[1] * (x.dim() - 2))
    return x.masked_fill(~mask, 0.0)
