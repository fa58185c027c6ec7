"""One function call in a fresh process of its own."""

import multiprocessing
import os
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from asr.errors import RecipeError


def call_in_child(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Return ``function(*arguments)``, run in a spawned process.

    Its memory is its own, so that the peak can be told. The child ends with its
    parent. Whatever it raises is raised here; RecipeError if it was killed.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(
        target=_serve, args=(sender, function, arguments), daemon=True
    )
    child.start()
    sender.close()  # so that the child's death is the end of the pipe
    try:
        answer, error = receiver.recv()
    except EOFError:
        child.join()
        raise RecipeError(
            f"{name}: its process ended with code {child.exitcode}; -9 is mostly "
            "want of memory, then narrower beams help"
        ) from None
    finally:
        child.terminate()
        child.join()
    if error is not None:
        raise error
    return answer


def _serve(
    sender: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    try:
        answer, error = function(*arguments), None
    except KeyboardInterrupt:
        return  # the parent had the same Ctrl-C, and says so
    except Exception as raised:
        answer, error = None, raised
    sender.send((answer, error))


def parent_is_gone() -> bool:
    """Whether this child works for nobody: its parent was killed."""
    parent = multiprocessing.parent_process()
    return parent is not None and os.getppid() != parent.pid


def peak_rss_mb() -> float:
    """Most memory that this process has had, MiB."""
    # Not ru_maxrss: Linux hands it down from the parent across fork and exec.
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
