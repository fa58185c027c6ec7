"""Weights in half precision as a NumPy archive: loading it runs no code.

PyTorch's own format is a pickle, and its safe loader has had holes in all versions up to
2.5; a ``.npz`` read with ``allow_pickle=False`` holds arrays and nothing else.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from asr.atomic import atomic_path
from asr.errors import RecipeError


def save_weights(weights: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors, float ones as float16, atomically and always the same bytes.

    Raises:
        RecipeError: a weight is too large for half precision, or not finite.
    """
    arrays = {}
    for name, tensor in weights.items():
        half = tensor.half() if tensor.is_floating_point() else tensor
        if not torch.isfinite(half).all():
            raise RecipeError(f"weights {name}: do not fit into half precision")
        arrays[name] = half.cpu().numpy()
    with atomic_path(path) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, **arrays)


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read what :func:`save_weights` wrote, as float32.

    Raises:
        RecipeError: the file is missing, damaged, or holds anything but arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: _tensor(archive[name]) for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise RecipeError(f"{path}: not a file of weights ({reason})") from error


def _tensor(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Tensor:
    tensor = torch.from_numpy(np.array(array))
    return tensor.float() if tensor.is_floating_point() else tensor
