"""Functions compiled by numba, and kept on disk so that it happens once.

Where numba does not work they stay what they are. Modules that use this are imported
where they are needed, because numba takes a while to load.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from asr.packages import missing

njit: Any  # numba's own types do not know all of its options
FunctionCache: Any
if missing("numba") is None:
    import numba
    from numba.core.caching import FunctionCache

    njit = numba.njit
else:
    njit, FunctionCache = None, object

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
    fast: Any = njit(function, **OPTIONS)
    try:
        fast._cache = _Cache(function)
    except RuntimeError:  # no folder to keep it in
        pass
    return fast  # type: ignore[no-any-return]


def inner(function: Function) -> Function:
    """Compile what only compiled functions call, into each of them."""
    if njit is None:
        return function
    fast: Function = njit(function, no_cpython_wrapper=True, **OPTIONS)
    return fast


class _Cache(FunctionCache):  # type: ignore[misc]
    """numba's, but for noticing a change in another file that was compiled in too."""

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        contents = [path.read_bytes() for path in sorted(_files(self._py_func, set()))]
        stamp = hashlib.sha256(b"\0".join(contents)).hexdigest()
        return (*super()._index_key(sig, codegen), stamp)


def _files(function: Any, seen: set[Path]) -> set[Path]:
    """The sources of a function and of the compiled functions that it may call."""
    path = Path(function.__code__.co_filename)
    if path not in seen:
        seen.add(path)
        for value in list(function.__globals__.values()):
            if hasattr(value, "py_func"):
                _files(value.py_func, seen)
    return seen
