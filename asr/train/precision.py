"""bfloat16 where it pays."""

import time

import torch
from torch import Tensor

from asr.errors import UsageError

PRECISIONS = ("auto", "float32", "bfloat16")
WORTHWHILE = 1.3  # a smaller gain is not worth bf16's coarser numbers


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """Return the autocast type for ``float32``, ``bfloat16`` or ``auto``.

    ``auto`` times a matrix product in both types: CPUs with AVX512-BF16 or AMX train
    about three times faster in bfloat16, all others slower.

    Raises:
        UsageError: another word.
    """
    if wanted in ("float32", "bfloat16"):
        return torch.float32 if wanted == "float32" else torch.bfloat16
    if wanted != "auto":
        raise UsageError(f"train.precision={wanted}: auto, float32 or bfloat16")
    gain = _seconds(torch.float32, device) / _seconds(torch.bfloat16, device)
    return torch.bfloat16 if gain > WORTHWHILE else torch.float32


def _seconds(dtype: torch.dtype, device: torch.device) -> float:
    """Shortest of a few timings of a 512 x 512 product."""
    x = torch.ones(512, 512, dtype=dtype, device=device)
    return min(_timed_product(x) for _ in range(5))


def _timed_product(x: Tensor) -> float:
    started = time.perf_counter()
    float((x @ x)[0, 0])  # waits for a GPU too
    return time.perf_counter() - started
