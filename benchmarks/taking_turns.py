"""Recognisers that take turns file by file, each in a process of its own.

A machine that is shared with others gets faster and slower by the minute; so all of them
meet the same moments, and the first turn goes round too.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from asr.decode.child import peak_rss_mb
from asr.errors import RecipeError
from benchmarks.recognisers import Recognise

Load = Callable[[], Recognise]


@dataclass
class Heard:
    """What a recogniser made of the files.

    Attributes:
        texts: by file; of the first round.
        seconds, cpu_seconds: of each round, reading to text; by the clock, and the
            processor's.
        start_seconds: from the process's start till it could recognise: imports, model.
        peak_rss_mb: most memory that the process has had, MiB.
        unsteady: files whose text was another one in a later round.
    """

    start_seconds: float
    texts: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    peak_rss_mb: float = 0.0
    unsteady: set[str] = field(default_factory=set)


def take_turns(
    loads: Mapping[str, Load], files: Sequence[str], rounds: int
) -> dict[str, Heard]:
    """Let every recogniser recognise every file, some times.

    What libraries do at their first call is not counted: each begins with a file that
    it gets again. All files have been read once before.

    Raises:
        RecipeError: one of them cannot be loaded, or fails.
    """
    for file in files:
        Path(file).read_bytes()
    workers = {name: _Worker(name, load) for name, load in loads.items()}
    heard = {name: Heard(worker.start_seconds) for name, worker in workers.items()}
    names = list(workers)
    for worker in workers.values():
        worker.ask(files[0])
    for turn in range(rounds):
        for found in heard.values():
            found.seconds.append(0.0)
            found.cpu_seconds.append(0.0)
        for number, file in enumerate(files):
            first = (turn + number) % len(names)
            for name in (*names[first:], *names[:first]):
                _add(heard[name], file, workers[name].ask(file))
        print(f"round {turn + 1} of {rounds}: {len(files)} files", flush=True)
    for name, worker in workers.items():
        heard[name].peak_rss_mb = worker.close()
    return heard


Answer = tuple[str, float, float]  # text, seconds, CPU seconds


def _add(heard: Heard, file: str, answer: Answer) -> None:
    text, seconds, cpu = answer
    if heard.texts.setdefault(file, text) != text:
        heard.unsteady.add(file)
    heard.seconds[-1] += seconds
    heard.cpu_seconds[-1] += cpu


class _Worker:
    """A process with a recogniser; it ends with this one."""

    def __init__(self, name: str, load: Load) -> None:
        context = multiprocessing.get_context("spawn")
        self._name = name
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, load), daemon=True)
        began = time.perf_counter()
        self._process.start()
        there.close()  # so that the child's death is the end of the pipe
        self._receive()
        self.start_seconds = time.perf_counter() - began

    def ask(self, file: str) -> Answer:
        self._here.send(file)
        text, seconds, cpu = self._receive()
        return str(text), float(seconds), float(cpu)

    def close(self) -> float:
        """End it; return its peak memory, MiB."""
        self._here.send(None)
        (peak,) = self._receive()
        self._process.join()
        return float(peak)

    def _receive(self) -> tuple[Any, ...]:
        try:
            answer: tuple[Any, ...] | RecipeError = self._here.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            raise RecipeError(f"{self._name}: ended with code {code}") from None
        if isinstance(answer, RecipeError):
            raise RecipeError(f"{self._name}: {answer}") from answer
        return answer


def _serve(connection: Connection, load: Load) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # one core for each
    try:
        recognise = load()
        connection.send(())
        while (file := connection.recv()) is not None:
            clock, cpu = time.perf_counter(), time.process_time()
            text = recognise(file)
            spent = time.perf_counter() - clock, time.process_time() - cpu
            connection.send((text, *spent))
        connection.send((peak_rss_mb(),))
    except RecipeError as error:
        connection.send(error)
    except Exception as error:
        connection.send(RecipeError(f"{type(error).__name__}: {error}"))
