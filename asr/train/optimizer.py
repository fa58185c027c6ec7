"""The optimizers: AdamW in the quickest form that this torch has, or Muon."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import nn

from asr.errors import UsageError
from asr.train.muon import Muon

OUTPUT = "output."  # the layer of one row a token: AdamW's, as in Muon's paper


class OptimizerOptions(Protocol):
    """What the optimizer depends on; ``asr.config.TrainConfig`` describes it."""

    @property
    def optimizer(self) -> str: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...


def new_optimizer(model: nn.Module, config: OptimizerOptions) -> torch.optim.Optimizer:
    """Make the configured optimizer for all of a model's weights.

    Raises:
        UsageError: neither ``adamw`` nor ``muon``.
    """
    if config.optimizer == "adamw":
        return _adamw(model.parameters(), config)
    if config.optimizer != "muon":
        raise UsageError(f"optimizer {config.optimizer!r}: choose adamw or muon")
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        hidden = weight.dim() == 2 and not name.startswith(OUTPUT)
        (matrices if hidden else others).append(weight)
    decay = config.weight_decay
    return Muon(matrices, others, lr=config.learning_rate, weight_decay=decay)


def _adamw(
    parameters: Iterable[nn.Parameter], config: OptimizerOptions
) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019) with the configured rate and decay.

    One kernel for all parameters (``fused``, on the CPU since torch 2.4), else one for
    each operation of all parameters (``foreach``), not hundreds of small ones.
    """
    options: dict[str, Any] = {
        "lr": config.learning_rate,
        "betas": (0.9, 0.98),
        "weight_decay": config.weight_decay,
    }
    parameters = list(parameters)
    adamw: Callable[..., torch.optim.AdamW] = (
        torch.optim.AdamW
    )  # 1.13's types lack both
    try:
        return adamw(parameters, fused=True, **options)
    except (TypeError, RuntimeError):
        return adamw(parameters, foreach=True, **options)
