"""The exact sum over all paths through a small dense graph."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from asr.models.lengths import length_mask
from asr.train.denominator import Denominator


class ForwardBackward(torch.autograd.Function):
    """ln of the sum over all paths; its gradient, the tokens' posteriors.

    The scaled recursions of Rabiner, "A tutorial on hidden Markov models" (1989), as in
    "Purely sequence-trained neural networks for ASR based on lattice-free MMI" (Povey
    et al. 2016): a product of matrices a frame, in probabilities, scaled to sum to 1.
    Nothing underflows that matters, because a bigram can go on from every state to
    every token. Posteriors are found in the forward pass, when they are wanted at all.
    """

    @staticmethod
    def forward(
        ctx: Any, log_probs: Tensor, lengths: Tensor, graph: Denominator
    ) -> Tensor:
        """(B, T, V), (B,) lengths of at least 1 -> (B,); see :func:`log_total`."""
        real = length_mask(lengths, log_probs.size(1))
        peaks = log_probs.amax(dim=-1).masked_fill(~real, 0)
        scores = (log_probs - peaks[..., None]).masked_fill(~real[..., None], 0)
        emitted = scores.exp()[..., graph.token].transpose(0, 1).contiguous()
        alpha, sums = _ahead(emitted, graph)
        rows = torch.arange(len(lengths), device=lengths.device)
        ended = (alpha[lengths - 1, rows] * graph.ends).sum(dim=1)
        steps = sums.log().masked_fill(~real.t(), 0).sum(dim=0)
        if ctx.needs_input_grad[0]:
            beta = _back(emitted, sums, lengths - 1, graph.ends / ended[:, None], graph)
            states = (alpha * beta).transpose(0, 1)
            posteriors = torch.zeros_like(log_probs)
            posteriors.index_add_(2, graph.token, states)
            ctx.save_for_backward(posteriors * real[..., None])
        total: Tensor = steps + peaks.sum(dim=1) + ended.log()
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """(B,) -> (B, T, V)."""
        (posteriors,) = ctx.saved_tensors
        return posteriors * grad[:, None, None], None, None


def _ahead(emitted: Tensor, graph: Denominator) -> tuple[Tensor, Tensor]:
    """(T, B, S) probabilities -> (T, B, S) of the past, scaled; (T, B) the scales."""
    alpha, sums = torch.empty_like(emitted), emitted.new_empty(emitted.shape[:2])
    last = emitted.new_zeros(emitted.shape[1:])
    last[:, 0] = 1
    for frame, probs in enumerate(emitted):
        new = (last @ graph.moves).mul_(probs)
        torch.sum(new, dim=1, out=sums[frame])
        last = torch.div(new, sums[frame][:, None], out=alpha[frame])
    return alpha, sums


def _back(
    emitted: Tensor, sums: Tensor, final: Tensor, ends: Tensor, graph: Denominator
) -> Tensor:
    """(T, B, S) of the future, scaled alike; past ``final`` (B,) it is of no use."""
    beta, moves = torch.empty_like(emitted), graph.moves.t().contiguous()
    scaled = emitted / sums[..., None]
    last = ends
    for frame in range(len(emitted) - 1, -1, -1):
        last = torch.where((final <= frame)[:, None], ends, last)
        beta[frame] = last
        last = (last * scaled[frame]) @ moves
    return beta


_sum_paths: Callable[..., Tensor] = ForwardBackward.apply  # torch 2 gives it no type


def log_total(log_probs: Tensor, lengths: Tensor, graph: Denominator) -> Tensor:
    """Sum over every path of the graph, exactly.

    Args:
        log_probs: (B, T, V) natural log, normalised or not.
        lengths: (B,) frames, at least 1; what is behind them does not matter.
        graph: in the type of ``log_probs`` and on its device.

    Returns:
        (B,) ln of the sum of all paths' probabilities, differentiable.
    """
    return _sum_paths(log_probs, lengths, graph)
