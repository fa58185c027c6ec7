"""Attention by content and distance, forward and backward."""

import math

import pytest
import torch
from torch import Tensor

from asr.models import relative_attend
from asr.models.relative_attend import RelativeAttend, by_key

BATCH, HEADS, LENGTH, DIM = 3, 2, 5, 4


def inputs(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Content and position queries, keys, values, and keys of the distances."""
    torch.manual_seed(0)
    shape = (BATCH, HEADS, LENGTH, DIM)
    tensors = [torch.randn(shape, dtype=dtype) for _ in range(4)]
    tensors.append(torch.randn(HEADS, DIM, 2 * LENGTH - 1, dtype=dtype))
    return [tensor.requires_grad_() for tensor in tensors]


def mask() -> Tensor:
    return torch.arange(LENGTH) < torch.tensor([LENGTH, 1, 3])[:, None]


def by_hand(
    content: Tensor, position: Tensor, k: Tensor, v: Tensor, table: Tensor
) -> Tensor:
    """The definition, score by score."""
    result = torch.zeros_like(v)
    for b, h, i in torch.cartesian_prod(*map(torch.arange, v.shape[:3])).tolist():
        scores = []
        for j in range(LENGTH):
            distance = position[b, h, i] @ table[h, :, LENGTH - 1 - (i - j)]
            scores.append(content[b, h, i] @ k[b, h, j] + distance)
            if not mask()[b, j]:
                scores[-1] = torch.tensor(-math.inf, dtype=v.dtype)
        result[b, h, i] = torch.stack(scores).softmax(dim=0) @ v[b, h]
    return result


@pytest.mark.parametrize("chunk", [1, 2 * HEADS * LENGTH**2, 10**6])
def test_attention_is_its_definition(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relative_attend, "CHUNK", chunk)
    tensors = inputs()
    attended = RelativeAttend.apply(*tensors, mask(), 0.0)
    torch.testing.assert_close(attended, by_hand(*tensors))


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("chunk", [1, 2 * HEADS * LENGTH**2, 10**6])
def test_backward_is_the_derivative(
    chunk: int, dropout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relative_attend, "CHUNK", chunk)

    def attend(*tensors: Tensor) -> Tensor:
        torch.manual_seed(1)  # the same dropout
        attended: Tensor = RelativeAttend.apply(*tensors, mask(), dropout)
        return attended

    assert torch.autograd.gradcheck(attend, inputs())


def test_one_frame_attends_to_itself() -> None:
    tensors = [torch.randn(1, 1, 1, 2).requires_grad_() for _ in range(4)]
    tensors.append(torch.randn(1, 2, 1).requires_grad_())
    attended = RelativeAttend.apply(*tensors, torch.ones(1, 1).bool(), 0.0)
    torch.testing.assert_close(attended, tensors[3])
    attended.sum().backward()
    assert torch.equal(tensors[4].grad, torch.zeros(1, 2, 1))


def test_by_key_reads_the_right_distance() -> None:
    distances = torch.arange(LENGTH - 1, -LENGTH, -1.0)
    scores = by_key(distances.expand(1, 2, LENGTH, -1).contiguous())
    i, j = torch.meshgrid(torch.arange(LENGTH), torch.arange(LENGTH), indexing="ij")
    assert torch.equal(scores[0, 1], (i - j).float())
