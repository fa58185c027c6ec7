"""Self-attention with relative positions (Transformer-XL, Dai et al. 2019)."""

import math

import torch
from torch import Tensor, nn


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


def shift_relative(scores: Tensor) -> Tensor:
    """Turn scores by distance, (B, H, T, 2T - 1), into scores by key, (B, H, T, T).

    Row i of the result reads distance i - j at column j: after one column of padding,
    reading the memory as rows of one less shifts each row by one more.
    """
    batch, heads, length, distances = scores.shape
    padded = nn.functional.pad(scores, (1, 0))
    padded = padded.view(batch, heads, distances + 1, length)
    return padded[:, :, 1:].reshape(batch, heads, length, distances)[..., :length]


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
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D) and (B, T) true on real frames -> (B, T, D)."""
        batch, length, dim = x.shape
        parts: tuple[Tensor, ...] = self.qkv(x).chunk(3, dim=-1)
        q, k, v = (self._heads(part) for part in parts)
        position = self._heads(self.pos(relative_positions(length, dim, x))[None])
        # to(): under autocast the projections are bf16, the parameters are not
        content = (q + self.content_bias.to(q.dtype)) @ k.transpose(2, 3)
        distance = (q + self.position_bias.to(q.dtype)) @ position.transpose(2, 3)
        scores = (content + shift_relative(distance)).float() / math.sqrt(q.size(-1))
        scores = scores.masked_fill(~mask[:, None, None], float("-inf"))
        weights = self.dropout(scores.softmax(dim=-1)).to(v.dtype)
        return self.out((weights @ v).transpose(1, 2).reshape(batch, length, dim))

    def _heads(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, H, T, D / H)."""
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
