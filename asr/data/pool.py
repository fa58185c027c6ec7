"""The same function on many tasks, in several processes."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from asr.errors import RecipeError
from asr.parent import end_with_parent
from asr.progress import SECONDS_BETWEEN_LINES

Result = TypeVar("Result")


def _nothing() -> None:
    pass


def _begin(initializer: Callable[[], None]) -> None:
    """Bind a new process to its parent, then prepare it.

    A worker holds both ends of the pipe that its tasks come from, so where the parent is
    killed it would wait for the next one for ever.
    """
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        end_with_parent(parent.pid, signal.SIGKILL)
    initializer()


def run_in_processes(
    name: str,
    function: Callable[..., Result],
    tasks: Sequence[tuple[Any, ...]],
    nj: int,
    *,
    initializer: Callable[[], None] = _nothing,
    idle: Callable[[], None] = _nothing,
) -> Iterator[tuple[int, Result]]:
    """Yield (number of the task, ``function(*task)``) in the order of finishing.

    Args:
        name: of the work, for messages.
        nj: processes.
        initializer: called once in each process.
        idle: called here while waiting, often enough for a progress line.

    Raises:
        RecipeError: a process was killed. What ``function`` raises is raised here.
    """
    # Spawned, not forked: torch's thread pools do not survive a fork, and the forks
    # of asr/data/espeak.py must come from a process without threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(nj, context, _begin, (initializer,)) as pool:
        futures = {pool.submit(function, *task): n for n, task in enumerate(tasks)}
        try:
            yield from _as_completed(futures, idle)
        except BrokenProcessPool:
            raise RecipeError(
                f"{name}: a worker process died (killed, or out of memory); run the "
                "same command again, perhaps with a smaller --nj: what is finished "
                "is kept"
            ) from None


def _as_completed(
    futures: dict[Future[Result], int], idle: Callable[[], None]
) -> Iterator[tuple[int, Result]]:
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, SECONDS_BETWEEN_LINES, FIRST_COMPLETED)
        idle()
        for future in done:
            yield futures[future], future.result()
