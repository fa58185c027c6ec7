"""Muon beside singular value decompositions and torch's AdamW."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from asr.models import checkpoint
from asr.models.create import create_model
from asr.train.muon import Muon, orthogonalized
from asr.train.optimizer import new_optimizer
from tests.train.toy import toy_config


@pytest.mark.parametrize("shape", [(8, 20), (20, 8), (12, 12)])
def test_only_the_singular_values_change(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(*shape)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    inner = left.t() @ orthogonalized(matrix) @ right.t()
    values = inner.diagonal()
    torch.testing.assert_close(inner, values.diag(), atol=1e-4, rtol=0)
    assert values.min() > 0.3 and values.max() < 1.3


def test_scale_does_not_matter_and_zero_stays_zero() -> None:
    matrix = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    small = orthogonalized(1e-6 * matrix)
    torch.testing.assert_close(small, orthogonalized(matrix), atol=1e-4, rtol=1e-3)
    assert not orthogonalized(torch.zeros(5, 7)).any()


def gradients(count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(6, generator=generator) for _ in range(count)]


def test_other_weights_move_as_by_adamw() -> None:
    ours, theirs = nn.Parameter(torch.ones(6)), nn.Parameter(torch.ones(6))
    muon = Muon([], [ours], lr=0.1, weight_decay=0.3)
    adamw = torch.optim.AdamW([theirs], lr=0.1, betas=(0.9, 0.98), weight_decay=0.3)
    for gradient in gradients(20):
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        muon.step()
        adamw.step()
    torch.testing.assert_close(ours, theirs)


def test_first_update_of_a_matrix() -> None:
    torch.manual_seed(0)
    start, gradient = torch.randn(4, 9), torch.randn(4, 9)
    weight = nn.Parameter(start.clone())
    weight.grad = gradient
    Muon([weight], [], lr=0.1, weight_decay=0.5).step()
    moved = 0.1 * 0.2 * 3 * orthogonalized(gradient)  # 3: the root of 9
    torch.testing.assert_close(weight.data, start * (1 - 0.1 * 0.5) - moved)


def test_matrices_but_the_output_are_muons() -> None:
    model = create_model("tdnnf", 20, 7, {"dim": 8, "bottleneck": 4, "strides": (1,)})
    optimizer = new_optimizer(model, toy_config(optimizer="muon"))
    names = {id(weight): name for name, weight in model.named_parameters()}
    matrices, others = (
        {names[id(weight)] for weight in group["params"]}
        for group in optimizer.param_groups
    )
    assert matrices == {
        "input.weight",
        "layers.0.reduce.weight",
        "layers.0.expand.weight",
        "prefinal.weight",
    }
    assert matrices | others == set(names.values())


def test_saved_and_loaded_it_goes_on_alike(tmp_path: Path) -> None:
    def new() -> tuple[nn.Linear, Muon]:
        torch.manual_seed(0)
        layer = nn.Linear(6, 6)
        muon = Muon([layer.weight], [layer.bias], lr=0.1, weight_decay=0.1)
        return layer, muon

    def train(layer: nn.Linear, muon: Muon, steps: list[Tensor]) -> None:
        for x in steps:
            muon.zero_grad()
            layer(x).square().sum().backward()
            muon.step()

    steps = gradients(6)
    whole, muon = new()
    train(whole, muon, steps)
    first, before = new()
    train(first, before, steps[:3])
    state = {"model": first.state_dict(), "optimizer": before.state_dict()}
    checkpoint.save(state, tmp_path / "half.pt")
    content = checkpoint.load(tmp_path / "half.pt")
    second, after = new()
    second.load_state_dict(content["model"])
    after.load_state_dict(content["optimizer"])
    train(second, after, steps[3:])
    assert torch.equal(second.weight, whole.weight)
    assert torch.equal(second.bias, whole.bias)
