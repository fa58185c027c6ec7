"""Calls in a process of their own."""

import os
import time

import numpy as np
import pytest

from asr.decode.child import call_in_child, peak_rss_mb
from asr.errors import RecipeError


def _allocate(megabytes: int) -> tuple[float, int]:
    block = np.ones(megabytes << 17)  # float64
    return peak_rss_mb(), len(block)


def _kill_itself() -> None:
    os.kill(os.getpid(), 9)


def test_child_memory_is_its_own() -> None:
    """A large child before, or a large parent, does not count for the next child."""
    here = np.ones(300 << 17)
    large, _ = call_in_child("large", _allocate, 300)
    small, _ = call_in_child("small", _allocate, 1)
    assert large - small > 250
    assert small < 250
    assert len(here) == 300 << 17


def test_killed_child_is_one_line() -> None:
    began = time.monotonic()
    with pytest.raises(RecipeError, match="victim: its process ended with code -9"):
        call_in_child("victim", _kill_itself)
    assert time.monotonic() - began < 30
