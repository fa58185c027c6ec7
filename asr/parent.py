"""Processes that end when the one that started them does."""

import ctypes
import os
import signal

RUN_SH = "ASR_RUN_SH"  # the process number of run.sh, which exports it
PR_SET_PDEATHSIG = 1  # of prctl(2): what this process gets when its parent is gone


def end_with_parent(parent: int, number: int) -> None:
    """Have the system send this process a signal when its parent ends, or at once.

    Args:
        parent: its process number.
        number: of the signal.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):  # Linux
        libc.prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it was gone before
        os.kill(os.getpid(), number)


def end_with_run_sh() -> None:
    """End, and save first, when run.sh is killed; it cannot pass the signal on itself.

    A stage that is run by hand stays alone: its terminal may be closed.
    """
    if os.environ.get(RUN_SH) == str(os.getppid()):
        end_with_parent(os.getppid(), signal.SIGTERM)
