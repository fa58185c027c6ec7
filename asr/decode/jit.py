"""Functions compiled by numba, and kept on disk so that it happens once.

Where there is no numba they stay what they are. Modules that use this are imported
where they are needed, because numba takes a while to load.
"""

from collections.abc import Callable
from typing import Any, TypeVar

njit: Any  # numba's own types do not know all of its options
try:
    import numba

    njit = numba.njit
except ImportError:
    njit = None

Function = TypeVar("Function", bound=Callable[..., object])
OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
}


def compiled(function: Function) -> Function:
    """Compile what Python calls, at the first call; keep the result on disk.

    It is kept beside the source; where that folder cannot be written, in the user's
    cache folder (or in NUMBA_CACHE_DIR, if set); where there is none, nowhere.
    """
    if njit is None:
        return function
    try:
        fast: Function = njit(function, cache=True, **OPTIONS)
    except RuntimeError:  # no folder to keep it in
        fast = njit(function, **OPTIONS)
    return fast


def inner(function: Function) -> Function:
    """Compile what only compiled functions of the same file call, into each of them."""
    if njit is None:
        return function
    fast: Function = njit(function, no_cpython_wrapper=True, **OPTIONS)
    return fast
