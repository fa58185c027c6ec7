"""A causal Transformer over tokens: the neural language model."""

import math

import torch
from torch import Tensor, nn

from asr.models.conformer import FeedForward
from asr.models.dropout import Dropout


def alibi(length: int, num_heads: int, device: torch.device) -> Tensor:
    """What is added to attention scores: the farther back, the less; never ahead.

    Attention with linear biases (Press et al. 2022): no table of positions, so that a
    sentence may be longer than any in training.

    Returns:
        (H, L, L) float32; row i, column j is ``-slope * (i - j)``, -inf where j > i.
    """
    position = torch.arange(length, device=device).float()
    distance = position[:, None] - position
    distance = distance.masked_fill(distance < 0, math.inf)
    heads = torch.arange(1, num_heads + 1, device=device).float()
    slopes = torch.exp2(-8 * heads / num_heads)
    return -slopes[:, None, None] * distance


class CausalAttention(nn.Module):
    """Multi-head self-attention that looks back only.

    Raises:
        ValueError: ``dim`` is not a multiple of ``num_heads``.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"dim {dim} is not a multiple of num_heads {num_heads}")
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(B, L, D) and (H, L, L) -> (B, L, D)."""
        parts = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = parts.permute(2, 0, 3, 1, 4)  # each (B, H, L, D / H)
        scores = (q @ k.transpose(2, 3)).float() / math.sqrt(q.size(-1)) + bias
        weights = self.dropout(scores.softmax(dim=-1)).to(v.dtype)
        return self.out((weights @ v).transpose(1, 2).flatten(2))


class TransformerLayer(nn.Module):
    """Attention and feed-forward, each behind a layer norm (pre-norm)."""

    def __init__(self, dim: int, num_heads: int, ff_dim: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attention = CausalAttention(dim, num_heads, dropout)
        self.ff = FeedForward(dim, ff_dim, dropout)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(B, L, D) float32 and (H, L, L) -> (B, L, D) float32."""
        x = x + self.dropout(self.attention(self.norm(x), bias)).float()
        return x + self.ff(x).float()


class TransformerLm(nn.Module):
    """Transformer language model (Vaswani et al. 2017), the decoder alone.

    The recipe's token 0, which no text has, stands for the sentence's two ends: it is
    the first input and the last target. Input and output share their weights (Press
    and Wolf 2017).

    Args:
        vocab_size: V, token 0 included.
        dim: D.
        num_layers: pre-norm layers.
        num_heads: of each attention; divides ``dim``.
        ff_dim: inner size of the feed-forward modules.
        dropout: everywhere.
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        dim: int = 192,
        num_layers: int = 4,
        num_heads: int = 4,
        ff_dim: int = 768,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.embedding = nn.Embedding(vocab_size, dim)
        # So small, as GPT-2's: with shared weights a large one predicts its own token.
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.layers = nn.ModuleList(
            TransformerLayer(dim, num_heads, ff_dim, dropout) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Compute the log-probabilities of every next token.

        Args:
            tokens: (B, L) ids, 0 first; what follows a row's length is not looked at.
            lengths: (B,) of the rows.

        Returns:
            (B, L, V) natural log, float32: [b, i] is of the token after the first
            i + 1; zero in the padding.
        """
        padding = torch.arange(tokens.size(1), device=tokens.device) >= lengths[:, None]
        x = self.embedding(tokens.masked_fill(padding, 0))
        x = self.dropout(x)
        bias = alibi(tokens.size(1), self.num_heads, x.device)
        for layer in self.layers:
            x = layer(x, bias)
        logits = nn.functional.linear(self.norm(x), self.embedding.weight, self.bias)
        log_probs = torch.log_softmax(logits.float(), dim=-1)
        return log_probs.masked_fill(padding[..., None], 0.0)


def target_log_probs(log_probs: Tensor, targets: Tensor) -> Tensor:
    """Log-probability of each target: (B, L, V) and (B, L) -> (B, L)."""
    return log_probs.gather(2, targets[..., None]).squeeze(2)
