"""Reading a file of lines while another process writes it."""

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

POLL_SECONDS = 1.0


class Follower:
    """Yields a file's lines until its writer ends, then what is left of it.

    Args:
        path: of the file.
        start: bytes of it to pass over.
        writer: descriptor of a pipe whose other end the writer holds.

    Attributes:
        orderly: whether the writer said that it ends; a killed one says nothing.
    """

    def __init__(self, path: Path, start: int, writer: int) -> None:
        self.path, self.start, self.writer = path, start, writer
        self.orderly = False

    def lines(self, at_end: Callable[[], None]) -> Iterator[str]:
        """Whole lines, as they come; ``at_end`` is called when the writer has ended."""
        with open(self.path, "rb") as file:
            file.seek(self.start)
            rest, ended = b"", False
            while not ended:
                ended = self._ends()
                if ended:
                    at_end()
                *whole, rest = (rest + file.read()).split(b"\n")
                yield from (line.decode("utf-8") for line in whole)

    def _ends(self) -> bool:
        """Wait a little; return whether the writer has ended."""
        if not select.select([self.writer], [], [], POLL_SECONDS)[0]:
            return False
        self.orderly = bool(os.read(self.writer, 100))
        return True
