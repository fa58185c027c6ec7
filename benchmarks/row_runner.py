"""Runs commands one after the other, and stops them in order when told to stop."""

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from asr.config_load import ROOT

PR_SET_PDEATHSIG = 1  # of prctl(2)


class StoppedError(Exception):
    """SIGTERM or SIGINT has come; ``args[0]`` is its number."""


class Runner:
    """Runs commands; SIGTERM and SIGINT are handed on as SIGTERM, and waited for.

    A training so saves its state, and goes on from there when it is run again.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._received = 0
        self._libc = ctypes.CDLL(None)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Inside ``with``, signals end the running command rather than this script."""
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, self._stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def __call__(self, command: Sequence[str]) -> int:
        """Run to the end; return the exit code.

        Raises:
            StoppedError: a signal came, and the command has ended.
        """
        self._check()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._child = subprocess.Popen(
            command,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches it by way of this script alone
            preexec_fn=self._end_with_parent,
        )
        self._check()  # a signal may have come before there was a child to end
        code = self._child.wait()
        self._child = None
        self._check()
        return code

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._received = number
        if self._child is not None:
            self._child.terminate()

    def _check(self) -> None:
        if not self._received:
            return
        if self._child is not None:
            self._child.terminate()
            self._child.wait()
        raise StoppedError(self._received)

    def _end_with_parent(self) -> None:
        """In the child: be told to stop also where this script is killed outright."""
        self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def locked(path: Path, wait: bool) -> Iterator[bool]:
    """Hold the lock of a file; False, if another process has it and ``wait`` is not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
