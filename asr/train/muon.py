"""Muon: momentum made orthogonal for matrices, AdamW for all else."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
BETAS = (0.9, 0.98)
EPSILON = 1e-8
ROUNDS = 5
# Of Jordan's quintic: it takes singular values to near 1 in few rounds.
QUINTIC = (3.4445, -4.7750, 2.0315)
RMS = 0.2  # of an update's elements, about that of AdamW: one learning rate fits both


class Muon(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) for matrices, AdamW for biases, norms and outputs.

    An update of a matrix is its momentum with all singular values set to about 1, so
    that directions which the gradient hardly shows are learned as fast as the others,
    much as with Kaldi's natural gradient. Scaled and decayed as in "Muon is scalable
    for LLM training" (Liu et al. 2025).

    Args:
        matrices: of two dimensions each.
        others: of any.
        lr: learning rate of both.
        weight_decay: decoupled, of both.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        others: Iterable[nn.Parameter],
        *,
        lr: float,
        weight_decay: float,
    ) -> None:
        groups = [
            {"params": list(matrices), "orthogonal": True},
            {"params": list(others), "orthogonal": False},
        ]
        filled = [group for group in groups if group["params"]]
        super().__init__(filled, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """One update by the gradients that are there."""
        for group in self.param_groups:
            update = self._orthogonal if group["orthogonal"] else self._adam
            for weight in group["params"]:
                if weight.grad is not None:
                    direction = update(weight)
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(direction, alpha=-group["lr"])

    def _orthogonal(self, weight: nn.Parameter) -> Tensor:
        """The gradient with Nesterov's momentum, orthogonal."""
        state, grad = self.state[weight], weight.grad
        assert grad is not None
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        momentum = state["momentum"].lerp_(grad, 1 - MOMENTUM)
        scale = RMS * math.sqrt(max(weight.shape))
        return scale * orthogonalized(grad.lerp(momentum, MOMENTUM))

    def _adam(self, weight: nn.Parameter) -> Tensor:
        """Adam's direction; the counter is a tensor, as in torch's own."""
        state, grad = self.state[weight], weight.grad
        assert grad is not None
        if not state:
            state["step"] = torch.zeros(())
            state["mean"] = torch.zeros_like(weight)
            state["square"] = torch.zeros_like(weight)
        state["step"] += 1
        number = float(state["step"])
        mean = state["mean"].lerp_(grad, 1 - BETAS[0])
        square = state["square"].lerp_(grad.square(), 1 - BETAS[1])
        deviation = (square / (1 - BETAS[1] ** number)).sqrt_().add_(EPSILON)
        direction: Tensor = mean / (1 - BETAS[0] ** number) / deviation
        return direction


def orthogonalized(matrix: Tensor) -> Tensor:
    """(M, N) -> the same singular vectors, singular values between about 0.7 and 1.2.

    By Newton-Schulz rounds; needs no decomposition. Zero stays zero.
    """
    tall = matrix.size(0) > matrix.size(1)
    x = matrix.float().t() if tall else matrix.float()
    x = x / x.norm().clamp(min=1e-12)
    linear, cubic, quintic = QUINTIC
    for _ in range(ROUNDS):
        gram = x @ x.t()
        mixed = torch.addmm(gram, gram, gram, beta=cubic, alpha=quintic)
        x = torch.addmm(x, mixed, x, beta=linear)
    return (x.t() if tall else x).to(matrix.dtype)
