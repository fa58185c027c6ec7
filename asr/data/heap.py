"""Free memory, given back to the system."""

import ctypes


def trim_heap() -> None:
    """Let go of what is free inside the heap (glibc; elsewhere nothing happens).

    Tensors of ever changing sizes leave holes in it. They would be kept for good,
    grow for some epochs, and be handed down to every forked worker.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
