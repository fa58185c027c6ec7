"""Attention weighted by content and distance, a few utterances at a time."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from asr.models.dropout import random_mask

CHUNK = 1 << 19  # scores at a time on a CPU: about what its caches hold


class RelativeAttend(torch.autograd.Function):
    """softmax(content + distance) v, sparing every pass over memory that can be.

    On a CPU the matrix products of attention are quick; what takes the time is to write
    B x H x T x T scores to memory and to read them again, two dozen times a layer. Here
    a few utterances are finished before the next, so that their scores stay in the
    cache, and the backward pass is written out. On a GPU all utterances are one chunk.
    """

    @staticmethod
    def forward(
        ctx: Any,
        content: Tensor,
        position: Tensor,
        k: Tensor,
        v: Tensor,
        table: Tensor,
        mask: Tensor,
        dropout: float,
    ) -> Tensor:
        """Attend from every frame to every frame.

        Args:
            ctx: for :meth:`backward`.
            content, position: (B, H, T, D), the query of either, divided by sqrt(D).
            k, v: (B, H, T, D), contiguous as the two above.
            table: (H, D, 2T - 1), the keys of distances T - 1, ..., -(T - 1).
            mask: (B, T), true on real frames.
            dropout: probability with which a weight is dropped.

        Returns:
            (B, H, T, D).
        """
        result = torch.empty_like(v)
        saved: list[Tensor] = []
        bias = torch.zeros(mask.shape, dtype=k.dtype, device=k.device)
        bias = bias.masked_fill(~mask, -math.inf)[:, None, None]
        for part in _chunks(k):
            scores = (by_key(position[part] @ table) + bias[part]).flatten(0, 1)
            scores = scores.baddbmm_(_flat(content, part), _flat(k, part).mT)
            weights = scores.to(_at_least_float32(k.dtype)).softmax(dim=-1)
            saved.append(weights)
            if dropout:
                saved.append(random_mask(weights.shape, dropout, weights.device))
                weights = weights * saved[-1]
            torch.bmm(weights.to(v.dtype), _flat(v, part), out=_flat(result, part))
        ctx.save_for_backward(content, position, k, v, table, *saved)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        """(B, H, T, D) -> gradients of the first five arguments."""
        content, position, k, v, table, *saved = ctx.saved_tensors
        grads = [torch.empty_like(x) for x in (content, position, k, v)]
        grad_table, grad = torch.zeros_like(table), grad.contiguous()
        parts = list(_chunks(k))
        masks = len(saved) // len(parts) - 1  # for each chunk: none or one
        distances = position.new_zeros(*position[parts[0]].shape[:3], table.size(2))
        for number, part in enumerate(parts):
            weights, *mask = saved[number * (1 + masks) : (number + 1) * (1 + masks)]
            scores = _content_backward(
                [_flat(x, part) for x in (content, k, v, grad)],
                [_flat(grads[i], part) for i in (0, 2, 3)],
                weights,
                *mask,
            )
            # What by_key() does not read stays zero, from chunk to chunk.
            by = distances[: part.stop - part.start]
            by_key(by).copy_(scores.view(*by.shape[:3], -1))
            torch.matmul(by, table.mT, out=grads[1][part])
            grad_table += (position[part].mT @ by).sum(0)
        return (*grads, grad_table, None, None)


def by_key(scores: Tensor) -> Tensor:
    """Read scores by distance, (..., T, 2T - 1), as scores by key, (..., T, T): a view.

    Row i of the result has distance i - j, which is column T - 1 - i + j, at column j:
    each row begins one element earlier than the one before.
    """
    length, distances = scores.shape[-2:]
    return scores.as_strided(
        (*scores.shape[:-1], length),
        (*scores.stride()[:-2], distances - 1, 1),
        scores.storage_offset() + length - 1,
    )


def _content_backward(
    inputs: list[Tensor],
    outputs: list[Tensor],
    weights: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """Write gradients of content, k and v; return that of the scores, (N, T, T).

    Args:
        inputs: content, k, v and the gradient of the result, (N, T, D) each.
        outputs: where the three gradients go.
        weights: (N, T, T), before dropout.
        mask: (N, T, T) of dropout.
    """
    content, k, v, grad = inputs
    dropped = weights if mask is None else weights * mask
    torch.bmm(dropped.to(v.dtype).mT, grad, out=outputs[2])
    grad_weights = (grad @ v.mT).to(weights.dtype)
    if mask is not None:
        grad_weights *= mask
    scores = torch._softmax_backward_data(grad_weights, weights, -1, weights.dtype)
    scores = scores.to(k.dtype)
    torch.bmm(scores, k, out=outputs[0])
    torch.bmm(scores.mT, content, out=outputs[1])
    return scores


def _flat(x: Tensor, part: slice) -> Tensor:
    """Some utterances of (B, H, T, D) as (N, T, D), a view."""
    return x[part].flatten(0, 1)


def _chunks(k: Tensor) -> Iterator[slice]:
    """Utterances of (B, H, T, D) whose scores are few enough; at least one."""
    batch, heads, length, _ = k.shape
    size = batch if k.is_cuda else max(1, CHUNK // (heads * length * length))
    firsts = range(0, batch, size)
    return (slice(first, min(first + size, batch)) for first in firsts)


def _at_least_float32(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)
