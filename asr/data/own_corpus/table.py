"""Kaldi's tables: lines of ``<key> <value>``."""

from dataclasses import dataclass, field
from pathlib import Path

from asr.errors import RecipeError


@dataclass
class Table:
    """What a file says.

    Attributes:
        rows: value by key, from the first line of each key.
        twice: (key, detail) of lines whose key was there before.
    """

    path: Path
    rows: dict[str, str] = field(default_factory=dict)
    twice: list[tuple[str, str]] = field(default_factory=list)


def read_table(path: Path, empty: bool = False) -> Table:
    """Read a table.

    Args:
        empty: whether a key may stand alone; its value is empty then.

    Raises:
        RecipeError: no such file, a line that is not UTF-8, or a key without value.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})") from error
    table, first = Table(path), dict[str, int]()
    for number, line in enumerate(lines, start=1):
        key, value = _row(path, number, line, empty)
        if key in first:
            detail = (
                f"{path}, line {number}: already in line {first[key]}, which counts"
            )
            table.twice.append((key, detail))
        elif key:
            first[key] = number
            table.rows[key] = value
    return table


def _row(path: Path, number: int, line: bytes, empty: bool) -> tuple[str, str]:
    try:
        key, *rest = line.decode("utf-8-sig").split(maxsplit=1) or [""]
    except UnicodeDecodeError as error:
        raise RecipeError(
            f"{path}, line {number}: not UTF-8 text ({error.reason}); convert the file, "
            "for example by iconv -f latin1 -t utf-8"
        ) from error
    if key and not rest and not empty:
        raise RecipeError(f"{path}, line {number}: nothing follows '{key}'")
    return key, rest[0].strip() if rest else ""
