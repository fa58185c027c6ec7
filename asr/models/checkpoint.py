"""Checkpoints: whole or absent, loaded without running code, averaged."""

import json
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from asr.atomic import atomic_path
from asr.errors import RecipeError


def save(state: Mapping[str, Any], path: Path) -> None:
    """Write nested dicts and lists of tensors and plain values, atomically.

    Plain values go in as JSON: torch 1.13's safe loader knows tensors and strings but
    no float.
    """
    tensors: dict[str, Tensor] = {}
    outline = json.dumps(_pack(state, tensors))
    with atomic_path(path) as partial:
        torch.save({"outline": outline, **tensors}, partial)


def load(path: Path) -> dict[str, Any]:
    """Read what :func:`save` wrote, without unpickling anything but tensors.

    Raises:
        RecipeError: the file is missing, truncated, or holds something else.
    """
    try:
        _check_sums(path)
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        state = _unpack(json.loads(tensors.pop("outline")), tensors)
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such checkpoint; run stage 6 (train)") from None
    except (
        RuntimeError,
        EOFError,
        OSError,
        KeyError,
        AttributeError,
        ValueError,
        zipfile.BadZipFile,
        pickle.UnpicklingError,
    ) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise RecipeError(f"{path}: unreadable checkpoint ({reason})") from error
    assert isinstance(state, dict)
    return state


def _check_sums(path: Path) -> None:
    """Compare the content with its CRC-32s, which torch writes but does not read.

    Raises:
        BadZipFile: it differs, or the file is no archive.
    """
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"{damaged} is damaged")


def _pack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Replace tensors by their names; dicts become pairs, for keys that are numbers."""
    if isinstance(value, Tensor):
        name = f"tensor-{len(tensors)}"
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"dict": [[key, _pack(item, tensors)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return [_pack(item, tensors) for item in value]
    return value


def _unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if isinstance(value, dict):
        if "tensor" in value:
            return tensors[value["tensor"]]
        return {key: _unpack(item, tensors) for key, item in value["dict"]}
    return value


def average(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Mean of model states, computed in float64 and returned in the original types.

    Integer entries (a batch norm's counter) are taken from the last state.
    """
    result: dict[str, Tensor] = {}
    for name, last in states[-1].items():
        if last.is_floating_point():
            values = torch.stack([state[name].double() for state in states])
            result[name] = values.mean(dim=0).to(last.dtype)
        else:
            result[name] = last.clone()
    return result
