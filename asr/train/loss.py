"""Connectionist temporal classification."""

import torch
from torch import Tensor

from asr.data.dataset import Batch


def ctc_loss(log_probs: Tensor, lengths: Tensor, batch: Batch) -> Tensor:
    """CTC loss (Graves et al. 2006) of every utterance, in float32.

    Args:
        log_probs: (B, T, V) natural log, blank 0.
        lengths: (B,) frames.
        batch: whose transcripts are scored.

    Returns:
        (B,) negative log-likelihoods; infinite where there is no path.
    """
    return torch.nn.functional.ctc_loss(
        log_probs.float().transpose(0, 1),
        batch.tokens.to(log_probs.device),
        lengths,
        batch.token_lengths.to(log_probs.device),
        blank=0,
        reduction="none",
    )


def frames_needed(tokens: list[int] | tuple[int, ...]) -> int:
    """Frames that any CTC path needs: a label each, and a blank between repeats."""
    repeats = sum(a == b for a, b in zip(tokens, tokens[1:], strict=False))
    return len(tokens) + repeats
