"""A recogniser in a process of its own, asked file by file."""

import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from asr.decode.child import peak_rss_mb
from asr.errors import RecipeError
from benchmarks.recognisers import Recognise

Load = Callable[[], Recognise]
Answer = tuple[str, float, float]  # text, seconds, CPU seconds


class Worker:
    """A process with a recogniser; it ends with this one.

    Attributes:
        start_seconds: from its start till it could recognise.

    Raises:
        RecipeError: it cannot be loaded, or the process fails.
    """

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
        """Let it recognise a file."""
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
