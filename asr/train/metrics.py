"""``metrics.jsonl``: one JSON object a line, for steps and for epochs."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from asr.atomic import write_text
from asr.errors import RecipeError

# What differs between two runs of the same training.
TIMES = ("time", "throughput", "cpu")


class MetricsFile:
    """Appends records; a killed training goes on in it without a gap or a repeat.

    A record has ``kind`` (``step`` or ``epoch``), ``step`` and ``epoch``. Every line
    is handed to the system at once, so that SIGKILL loses none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def resume(self, step: int, epoch: int) -> None:
        """Open for the records after ``step`` steps and ``epoch`` whole epochs.

        What an earlier run wrote beyond its last checkpoint, and a line that was cut
        short, is taken out: it will come again.
        """
        lines = self.path.read_text("utf-8").splitlines() if self.path.exists() else []
        kept = [line for line in lines if _is_before(line, step, epoch)]
        write_text(self.path, "".join(line + "\n" for line in kept))
        self._file = open(self.path, "a", encoding="utf-8")

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a record; numbers that are not finite become null."""
        assert self._file is not None, "resume() comes first"
        finite = {key: _finite(value) for key, value in record.items()}
        self._file.write(json.dumps(finite, ensure_ascii=False) + "\n")
        self._file.flush()

    def sync(self) -> None:
        """Wait until all is on the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file, if it is open."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All records, in order; a last line that is being written is left out.

    Raises:
        RecipeError: no such file.
    """
    if not path.is_file():
        raise RecipeError(f"{path}: not found; run stage 6 (train) first")
    lines = path.read_text("utf-8").splitlines()
    return [record for record in map(_parsed, lines) if record is not None]


def _is_before(line: str, step: int, epoch: int) -> bool:
    record = _parsed(line)
    if record is None or record["step"] > step:
        return False
    return record["kind"] != "epoch" or bool(record["epoch"] <= epoch)


def _parsed(line: str) -> dict[str, Any] | None:
    """The record of a line, None if it is not whole."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "kind" in record else None


def _finite(value: Any) -> Any:
    unfit = isinstance(value, float) and not math.isfinite(value)
    return None if unfit else value
