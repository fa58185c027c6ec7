"""AdamW in the quickest form that this torch has."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import nn


class AdamWOptions(Protocol):
    """What the optimizer depends on; ``asr.config.TrainConfig`` describes it."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...


def new_optimizer(
    parameters: Iterable[nn.Parameter], config: AdamWOptions
) -> torch.optim.AdamW:
    """Make AdamW (Loshchilov and Hutter 2019) with the configured rate and decay.

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
