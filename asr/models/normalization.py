"""Features made comparable between recordings."""

from torch import Tensor

from asr.models.lengths import length_mask, zero_padding

FLOOR = 1e-5  # of the variance: a constant band stays zero


def normalize_utterances(features: Tensor, lengths: Tensor) -> Tensor:
    """Give every bin of every utterance mean 0 and variance 1 over its real frames.

    Takes out level and channel, which differ more between recordings than between
    sounds, and leaves the contour of energy in time, which a per-frame norm would not.

    Args:
        features: (B, T, F); the padding may hold anything.
        lengths: (B,) frames.

    Returns:
        (B, T, F), zero where padded.
    """
    x = zero_padding(features, lengths)
    count = lengths.clamp(min=1)[:, None, None].to(x.dtype)
    mean = x.sum(dim=1, keepdim=True) / count
    mask = length_mask(lengths, x.size(1))[..., None]
    centred = (x - mean) * mask
    variance = centred.square().sum(dim=1, keepdim=True) / count
    return centred / (variance + FLOOR).sqrt()
