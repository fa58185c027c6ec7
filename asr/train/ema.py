"""Exponential moving average of the weights (Polyak and Juditsky 1992)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """A slowly moving copy of a model's weights and running statistics.

    Args:
        model: to follow.
        decay: of the copy at each update, from 0 to below 1. Early on it is
            (1 + n) / (10 + n) after n updates if that is less, so that the first
            weights, which are random, are soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model, self.decay = model, decay
        self.weights: dict[str, Tensor] = {
            name: value.detach().clone() for name, value in model.state_dict().items()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Follow the model; ``step`` counts updates from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in self.model.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - decay)
            else:
                self.weights[name].copy_(value)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take over saved averages."""
        for name, value in weights.items():
            self.weights[name].copy_(value)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside ``with``, the model has the averages as its weights."""
        own = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(self.weights)
        try:
            yield
        finally:
            self.model.load_state_dict(own)
