"""Several processes: every result with its number, and clear words about death."""

import os
import signal
import time

import pytest

from asr.data import pool
from asr.data.pool import run_in_processes
from asr.errors import RecipeError


def _late(number: int, seconds: float) -> tuple[int, int]:
    time.sleep(seconds)
    return 10 * number, os.getpid()


def test_every_result_has_the_number_of_its_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "SECONDS_BETWEEN_LINES", 0.01)
    calls: list[None] = []
    tasks = [(0, 0.3), (1, 0.0), (2, 0.0), (3, 0.0)]
    found = dict(
        run_in_processes("work", _late, tasks, 2, idle=lambda: calls.append(None))
    )
    assert {n: result for n, (result, _) in found.items()} == {
        0: 0,
        1: 10,
        2: 20,
        3: 30,
    }
    assert os.getpid() not in {process for _, process in found.values()}
    assert len(calls) > 10


def _fail(word: str) -> None:
    raise RecipeError(f"bad {word}")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_errors_and_death() -> None:
    with pytest.raises(RecipeError, match="^bad luck$"):
        list(run_in_processes("work", _fail, [("luck",)], 1))
    with pytest.raises(RecipeError, match="work: a worker process died"):
        list(run_in_processes("work", _die, [()], 1))
