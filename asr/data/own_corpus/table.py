"""Kaldi's tables: lines of ``<key> <value>``."""

from dataclasses import dataclass, field
from pathlib import Path

from asr.data.user_names import plain_id
from asr.errors import RecipeError
from asr.text.encoding import EncodingError, decode


@dataclass
class Table:
    """What a file says.

    Attributes:
        rows: value by key, from the first line of each key.
        twice: (key, detail) of lines whose key was there before.
        assumed: the file's encoding, where it does not tell it itself.
    """

    path: Path
    rows: dict[str, str] = field(default_factory=dict)
    twice: list[tuple[str, str]] = field(default_factory=list)
    assumed: str = ""


def read_table(path: Path, empty: bool = False) -> Table:
    """Read a table; keys are ids, with accents composed.

    Args:
        empty: whether a key may stand alone; its value is empty then.

    Raises:
        RecipeError: no such file, no text, or a key without value.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        text, assumed = decode(content)
    except EncodingError as error:
        raise RecipeError(f"{path}{_line_of(content)}: {error}") from error
    table, first = Table(path, assumed=assumed), dict[str, int]()
    # Not splitlines: a word may hold one of Unicode's line separators.
    for number, line in enumerate(text.split("\n"), start=1):
        key, *rest = line.split(maxsplit=1) or [""]
        if key and not rest and not empty:
            raise RecipeError(f"{path}, line {number}: nothing follows '{key}'")
        id_ = plain_id(key) if key else ""
        if id_ in first:
            detail = (
                f"{path}, line {number}: already in line {first[id_]}, which counts"
            )
            table.twice.append((id_, detail))
        elif key:
            first[id_] = number
            table.rows[id_] = rest[0].strip() if rest else ""
    return table


def _line_of(content: bytes) -> str:
    """Where a file is not UTF-8, if it is a line of it."""
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return f", line {number}"
    return ""
