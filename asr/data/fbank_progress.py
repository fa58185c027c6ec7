"""How far the extraction of a split is, in hours of audio."""

import multiprocessing
from collections.abc import Collection, Sequence

from lhotse.cut import MonoCut

from asr.progress import LineTimer


class ExtractionProgress:
    """Prints a line every few seconds.

    Args:
        split: its name.
        planned: the cuts of every shard.
        todo: numbers of the shards that are not there yet.
    """

    def __init__(
        self, split: str, planned: Sequence[Sequence[MonoCut]], todo: Collection[int]
    ) -> None:
        self._split = split
        hours = [sum(c.duration for c in shard) / 3600 for shard in planned]
        self._total, self._todo = sum(hours), set(todo)
        self._before = self._total - sum(hours[n] for n in self._todo)
        self._shards = len(hours)
        # Worker processes count in it too: a shard is half an hour of audio, too much
        # to be told of nothing before it is whole.
        self.seconds = multiprocessing.get_context("spawn").Value("d", 0.0)
        self._timer = LineTimer()

    def tick(self, seconds: float) -> None:
        """Count audio that this process has done."""
        with self.seconds.get_lock():
            self.seconds.value += seconds
        self.show_if_due()

    def finish(self, number: int) -> None:
        """Count a whole shard."""
        self._todo.discard(number)

    def show_if_due(self) -> None:
        """Print a line if the last one is old enough."""
        if self._timer.due():
            self.show()

    def show(self) -> None:
        """Print a line."""
        done = self._before + self.seconds.value / 3600
        print(
            f"fbank {self._split}: {done:.2f} of {self._total:.2f} h, "
            f"{self._shards - len(self._todo)} of {self._shards} shards, "
            f"{self._timer.seconds:.0f} s",
            flush=True,
        )
