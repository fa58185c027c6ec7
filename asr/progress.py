"""A line every few seconds from whatever takes longer."""

import time

SECONDS_BETWEEN_LINES = 5.0


class LineTimer:
    """Says when the next line is due."""

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._start

    def due(self) -> bool:
        """Whether the last line is old enough; if so, this moment counts as the next."""
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN_LINES:
            return False
        self._last = now
        return True


class ByteMeter:
    """Counts bytes that move, and prints how far they are when a line is due."""

    def __init__(self, name: str, total: int | None, done: int = 0) -> None:
        self._name = name
        self._total = total
        self._done = self._first = done
        self._timer = LineTimer()

    def add(self, num_bytes: int) -> None:
        """Count bytes; print when it is time."""
        self._done += num_bytes
        if self._timer.due():
            print(self._line(), flush=True)

    def _line(self) -> str:
        rate = (self._done - self._first) / 1e6 / max(self._timer.seconds, 1e-3)
        of = f" of {self._total / 1e6:.1f}" if self._total else ""
        return f"{self._name}: {self._done / 1e6:.1f}{of} MB, {rate:.1f} MB/s"
