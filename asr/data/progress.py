"""A line every few seconds for whatever moves bytes."""

import time

SECONDS = 5.0


class Meter:
    """Counts bytes and prints how far they are, at most every ``SECONDS``."""

    def __init__(self, name: str, total: int | None, done: int = 0) -> None:
        self._name = name
        self._total = total
        self._done = self._first = done
        self._start = self._shown = time.monotonic()

    def add(self, num_bytes: int) -> None:
        """Count bytes; print when it is time."""
        self._done += num_bytes
        now = time.monotonic()
        if now - self._shown >= SECONDS:
            self._shown = now
            print(self._line(now), flush=True)

    def _line(self, now: float) -> str:
        rate = (self._done - self._first) / 1e6 / max(now - self._start, 1e-3)
        of = f" of {self._total / 1e6:.1f}" if self._total else ""
        return f"{self._name}: {self._done / 1e6:.1f}{of} MB, {rate:.1f} MB/s"
