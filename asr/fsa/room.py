"""Whether a graph fits into memory, asked before it is made."""

import os
import resource
from pathlib import Path

from asr.errors import RecipeError


def check_room(needed: int, what: str) -> None:
    """Say what a step will need; RecipeError if that is more than there is.

    Args:
        needed: bytes.
        what: of what size, for the message.
    """
    free = free_memory()
    if needed > free:
        raise RecipeError(
            f"{what} needs {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are "
            "free: set lm.graph_order=2, or prune more, as by lm.prune=[0,1,2]"
        )


def free_memory() -> int:
    """Bytes that this process can still take: the machine's, or its own limit's."""
    free = _machine()
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        free = min(free, limit - _mapped())
    return max(free, 0)


def _machine() -> int:
    path = Path("/proc/meminfo")
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _mapped() -> int:
    """Address space taken so far."""
    path = Path("/proc/self/statm")
    if not path.exists():
        return 0
    return int(path.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
