"""How far the extraction of a split is, in hours of audio and in shards."""

from collections.abc import Iterable, Sequence

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
        self, split: str, planned: Sequence[Sequence[MonoCut]], todo: Iterable[int]
    ) -> None:
        self._split = split
        self._hours = [sum(c.duration for c in shard) / 3600 for shard in planned]
        self._todo = set(todo)
        self._ticked = 0.0
        self._timer = LineTimer()

    def tick(self, seconds: float) -> None:
        """Count audio of the shard under way, where it runs in this process."""
        self._ticked += seconds / 3600
        self.show_if_due()

    def finish(self, number: int) -> None:
        """Count a whole shard."""
        self._todo.discard(number)
        self._ticked = 0.0

    def show_if_due(self) -> None:
        """Print a line if the last one is old enough."""
        if self._timer.due():
            self.show()

    def show(self) -> None:
        """Print a line."""
        total, left = sum(self._hours), sum(self._hours[n] for n in self._todo)
        shards = len(self._hours)
        print(
            f"fbank {self._split}: {total - left + self._ticked:.2f} of {total:.2f} h, "
            f"{shards - len(self._todo)} of {shards} shards, "
            f"{self._timer.seconds:.0f} s",
            flush=True,
        )
