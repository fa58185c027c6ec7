"""Several processes: every result with its number, and clear words about death."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

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


def _note(folder: Path, seconds: float) -> None:
    (folder / f"{os.getpid()}").touch()
    time.sleep(seconds)


def _parent(folder: Path) -> None:
    """Two workers: one has nothing left to do, the other is busy for long."""
    list(run_in_processes("work", _note, [(folder, 0.5), (folder, 600.0)], 2))


def _lives(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.is_file() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs Linux's /proc")
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = multiprocessing.get_context("spawn").Process(
        target=_parent, args=(tmp_path,)
    )
    parent.start()
    deadline = time.monotonic() + 120
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [int(path.name) for path in tmp_path.iterdir()]
    time.sleep(0.6)  # the first is idle now
    assert len(workers) == 2 and all(map(_lives, workers))
    parent.kill()
    parent.join()
    while any(map(_lives, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_lives, workers))
