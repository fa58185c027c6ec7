"""SIGTERM and Ctrl-C during training: first save, then end."""

import signal
from types import FrameType, TracebackType
from typing import Any

from asr.errors import RecipeError


class TrainingInterruptedError(RecipeError):
    """SIGTERM or Ctrl-C came; the state is saved."""

    exit_code = 143


class StopSignals:
    """Inside ``with``, the two signals are noted and do nothing else.

    Attributes:
        received: number of the last signal, 0 as long as there was none.
    """

    def __init__(self) -> None:
        self.received = 0
        self._old: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "StopSignals":
        for number in (signal.SIGTERM, signal.SIGINT):
            self._old[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
