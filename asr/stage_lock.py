"""One process at a time: two that did the same stage would write into one another."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from asr.errors import RecipeError


@contextmanager
def alone(what: str, marker: Path) -> Iterator[None]:
    """Hold a lock file beside ``marker`` for as long as the block runs.

    The lock is the kernel's and this process's alone: it ends with the process, also
    by ``kill -9``, and processes that it has started do not keep it. File systems that
    know no locks give none.

    Args:
        what: that is done, for the message.

    Raises:
        RecipeError: another process holds it.
    """
    path = marker.with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _locked(path)
    if file is None:
        raise RecipeError(
            f"{what}: another process is at it in the same folder (it holds {path}); "
            "wait for it, or give this one other folders (--exp-dir, --data-dir)"
        )
    with file:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _locked(path: Path) -> IO[str] | None:
    """The open lock file, or None where another process has it."""
    while True:
        file = open(path, "w", encoding="utf-8")
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (
            BlockingIOError,
            PermissionError,
        ):  # POSIX leaves it open which of the two
            file.close()
            return None
        except OSError:
            return file
        if _is(path, file):
            return file
        file.close()  # who had it has removed it meanwhile


def _is(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
