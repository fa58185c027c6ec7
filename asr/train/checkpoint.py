"""Checkpoints: whole or absent, loaded without running code, averaged."""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from asr.atomic import atomic_path
from asr.errors import RecipeError


def save(state: Mapping[str, Any], path: Path) -> None:
    """Write tensors and plain values atomically."""
    with atomic_path(path) as partial:
        torch.save(dict(state), partial)


def load(path: Path) -> dict[str, Any]:
    """Read what :func:`save` wrote; only tensors and plain values are accepted.

    Raises:
        RecipeError: the file is missing, truncated, or holds something else.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such checkpoint; run stage 6 (train)") from None
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(f"{path}: unreadable checkpoint ({reason})") from error
    if not isinstance(state, dict):
        raise RecipeError(f"{path}: not a checkpoint of this recipe")
    return state


def average(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Mean of model states, computed in float64 and returned in the original types.

    Integer entries (a batch norm's counter) are taken from the last state.
    """
    result: dict[str, Tensor] = {}
    for name, last in states[-1].items():
        if last.is_floating_point():
            total = sum(state[name].double() for state in states)
            assert isinstance(total, Tensor)
            result[name] = (total / len(states)).to(last.dtype)
        else:
            result[name] = last.clone()
    return result
