"""Functions compiled by numba, and kept on disk so that it happens once."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile at the first call; the result is kept beside the source.

    Where that folder cannot be written, numba keeps it in the user's cache folder
    (or in NUMBA_CACHE_DIR, if set); where there is none, nothing is kept.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        fast: Function = numba.njit(function, cache=True, **options)
    except RuntimeError:  # no folder to keep it in
        fast = numba.njit(function, **options)
    return fast
