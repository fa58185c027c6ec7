"""The index of features: one line for each utterance, which says where it lies."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from asr.atomic import write_text
from asr.errors import RecipeError

COLUMNS = ("id", "shard", "offset", "num_frames", "num_bins", "dtype", "duration")


@dataclass(frozen=True)
class Row:
    """Where one utterance lies.

    Attributes:
        shard: file, relative to the index.
        offset: of the first byte of the (num_frames, num_bins) array in that file.
        dtype: ``float16`` or ``float32``, little-endian.
        duration: seconds of audio.
    """

    id: str
    shard: str
    offset: int
    num_frames: int
    num_bins: int
    dtype: str
    duration: float


def write_index(rows: Iterable[Row], path: Path) -> None:
    """Write the index, one utterance a line under a header."""
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join(map(str, astuple(row))) for row in rows]
    write_text(path, "\n".join(lines) + "\n")


def read_index(path: Path) -> list[Row]:
    """Read what :func:`write_index` wrote.

    Raises:
        RecipeError: the index is missing or not one.
    """
    if not path.is_file():
        raise RecipeError(f"{path}: no index of features; run stage 2 (fbank)")
    header, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    if tuple(header.split("\t")) != COLUMNS:
        raise RecipeError(f"{path}: not an index of features; run stage 2 again")
    return [_row(path, line.split("\t")) for line in lines]


def _row(path: Path, fields: Sequence[str]) -> Row:
    try:
        id_, shard, offset, frames, bins, dtype, duration = fields
        return Row(
            id_, shard, int(offset), int(frames), int(bins), dtype, float(duration)
        )
    except ValueError:
        raise RecipeError(
            f"{path}: a line is damaged; delete it and run stage 2 again"
        ) from None
