"""What a training has cost the CPU, over all its restarts."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

KEY = "cpu"  # of a line of metrics.jsonl


class CpuClock:
    """CPU seconds of this process and its finished children, such as loader workers.

    Running children are counted when they end: workers at the end of an epoch.
    """

    def __init__(self) -> None:
        self._before: float | None = 0.0
        self._start = _used()

    def resume(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Begin, or go on from the last of the log's lines that are kept.

        What was done after it and will be done again is not counted twice. A log that
        an older version began does not know what it has cost, then or later.
        """
        self._before = records[-1].get(KEY) if records else 0.0
        self._start = _used()

    @property
    def seconds(self) -> float | None:
        """Since the training's first step, without what was done in vain."""
        if self._before is None:
            return None
        return round(self._before + _used() - self._start, 1)


def _used() -> float:
    times = os.times()
    return sum(times[:4])
