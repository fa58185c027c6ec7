"""Function calls in a fresh process of their own."""

import multiprocessing
import os
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from asr.errors import RecipeError


class Child:
    """A spawned process that runs one function after the other.

    Its memory is its own, so that the peak can be told, and stays from call to call:
    what a function keeps in its module need not be loaded again. It ends with its parent.
    """

    def __init__(self, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._name = name
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there,), daemon=True)
        self._process.start()
        there.close()  # so that the child's death is the end of the pipe

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return ``function(*arguments)``, run there.

        Whatever it raises is raised here; RecipeError if the process was killed.
        """
        try:
            self._here.send((function, arguments))
            answer, error = self._here.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._process.join()
            raise RecipeError(
                f"{self._name}: its process ended with code {self._process.exitcode}; "
                "-9 is mostly want of memory, then narrower beams help"
            ) from None
        if error is not None:
            raise error
        return answer

    def end(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()
        self._here.close()


def call_in_child(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Return ``function(*arguments)``, run in a process of its own; see ``Child``."""
    child = Child(name)
    try:
        return child(function, *arguments)
    finally:
        child.end()


def _serve(parent: Connection) -> None:
    while True:
        try:
            function, arguments = parent.recv()
            answer, error = function(*arguments), None
        except (EOFError, KeyboardInterrupt):
            return  # the parent is done, or had the same Ctrl-C, and says so
        except Exception as raised:
            answer, error = None, raised
        parent.send((answer, error))


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
