"""lhotse manifests as .jsonl.gz, the same bytes every time."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from lhotse import CutSet

from asr.atomic import atomic_path
from asr.errors import RecipeError


class Item(Protocol):
    """Anything of lhotse's that turns into a dict."""

    def to_dict(self) -> dict[str, Any]: ...


def write_items(items: Iterable[Item], path: Path) -> int:
    """Write one item a line, atomically; return how many there were.

    The gzip header holds neither time nor name, so equal manifests are equal files.
    """
    count = 0
    with (
        atomic_path(path) as partial,
        open(partial, "wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as file,
    ):
        for item in items:
            line = json.dumps(item.to_dict(), ensure_ascii=False)
            file.write(line.encode("utf-8") + b"\n")
            count += 1
    return count


def read_cuts(path: Path) -> CutSet:
    """Load the cuts of one split into memory.

    Raises:
        RecipeError: the file is not there or not readable.
    """
    try:
        return CutSet.from_jsonl(path).to_eager()
    except FileNotFoundError:
        raise RecipeError(f"{path}: not found; run stages 1 and 2 first") from None
    except (EOFError, OSError, ValueError) as error:
        raise RecipeError(
            f"{path}: damaged ({error}); delete it, run its stage again"
        ) from error
