"""Memory that is given back."""

from pathlib import Path

import numpy as np

from asr.data.heap import trim_heap


def resident() -> int:
    """Pages of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1])


def test_holes_in_the_heap_are_given_back() -> None:
    trim_heap()
    # 64 KB each: glibc takes them from its heap, numpy does not keep them.
    blocks = [np.ones(8192) for _ in range(1600)]
    filled = resident()
    keep = blocks[::400]
    del blocks
    trim_heap()
    assert filled - resident() > 15000  # of 25600
    assert all(block.sum() == 8192 for block in keep)
