"""Self-attention with relative positions (Transformer-XL, Dai et al. 2019)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from asr.models.relative_attend import RelativeAttend

_attend: Callable[..., Tensor] = RelativeAttend.apply  # torch 2 gives it no type


def relative_positions(length: int, dim: int, like: Tensor) -> Tensor:
    """Sinusoids of the distances length - 1, ..., 0, ..., -(length - 1).

    Returns:
        (2 * length - 1, dim), in the type and on the device of ``like``.
    """
    distance = torch.arange(length - 1, -length, -1, device=like.device).float()
    step = -math.log(10000.0) / dim
    rate = torch.exp(torch.arange(0, dim, 2, device=like.device).float() * step)
    angle = distance[:, None] * rate
    return torch.stack((angle.sin(), angle.cos()), dim=2).flatten(1).to(like.dtype)


class RelativeAttention(nn.Module):
    """Multi-head self-attention with content and position biases.

    Args:
        dim: D, divided by ``num_heads`` without remainder.
        num_heads: H.
        dropout: of the attention weights.

    Raises:
        ValueError: ``dim`` is not a multiple of ``num_heads``.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"dim {dim} is not a multiple of num_heads {num_heads}")
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.pos = nn.Linear(dim, dim, bias=False)
        self.out = nn.Linear(dim, dim)
        self.content_bias = nn.Parameter(torch.zeros(num_heads, 1, dim // num_heads))
        self.position_bias = nn.Parameter(torch.zeros(num_heads, 1, dim // num_heads))
        self.dropout = dropout

    def forward(self, x: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Attend from every frame to every frame.

        Args:
            x: (B, T, D).
            positions: (2T - 1, D) of :func:`relative_positions`.
            mask: (B, T), true on real frames.

        Returns:
            (B, T, D).
        """
        batch, length, dim = x.shape
        qkv = self.qkv(x).view(batch, length, 3, self.num_heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, T, D / H) each
        table = self.pos(positions).unflatten(-1, (self.num_heads, -1))
        attended: Tensor = _attend(
            self._query(q, self.content_bias),
            self._query(q, self.position_bias),
            k.contiguous(),
            v.contiguous(),
            table.permute(1, 2, 0),
            mask,
            self.dropout if self.training else 0.0,
        )
        return self.out(attended.transpose(1, 2).reshape(batch, length, dim))

    def _query(self, q: Tensor, bias: Tensor) -> Tensor:
        """(B, H, T, D / H) -> the same, biased and divided by the root of D / H."""
        # to(): under autocast the projections are bf16, the parameters are not
        biased = (q + bias.to(q.dtype)) * q.size(-1) ** -0.5
        return biased.contiguous()
