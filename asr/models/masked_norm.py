"""Batch norm that padding does not change."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from asr.models.lengths import length_mask


class Pick(torch.autograd.Function):
    """Rows of a matrix, each at most once: ``rows[index]``, both ways by copying."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor) -> Tensor:
        """(M, D) and (N,) -> (N, D)."""
        ctx.save_for_backward(index)
        ctx.number = len(rows)
        return rows.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Put each row's gradient back; zero elsewhere."""
        (index,) = ctx.saved_tensors
        result = grad.new_zeros(ctx.number, grad.size(1))
        return result.index_copy_(0, index, grad), None


_pick: Callable[..., Tensor] = Pick.apply  # torch 2 gives it no type


class MaskedBatchNorm(nn.Module):
    """Batch norm over the real frames of a padded batch; the padding becomes zero.

    Args:
        dim: D of the input.
        affine: whether a scale and an offset are learned.
    """

    def __init__(self, dim: int, *, affine: bool = True) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(dim, affine=affine)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, ..., D) and (B,) lengths -> (B, T, ..., D) float32."""
        real = length_mask(lengths, x.size(1)).flatten().nonzero().squeeze(1)
        rows = x.flatten(2).flatten(0, 1).float()
        frames = _pick(rows, real)
        normed = self.norm(frames.view(-1, x.size(-1))).view_as(frames)
        result = torch.zeros(rows.shape, dtype=normed.dtype, device=x.device)
        return result.index_copy(0, real, normed).view(x.shape)
