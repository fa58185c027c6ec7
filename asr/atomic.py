"""Files that are either whole or not there."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target`` and rename it on success.

    Works for a file and for a folder; the suffix of ``target`` is kept, because
    some libraries choose a format by it. On an exception the temporary is removed
    and an older ``target`` stays as it was. What a killed process left behind is
    removed by the next call for the same target.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".partial-{target.name}")
    remove(partial)
    try:
        yield partial
        _sync(partial)
        if partial.is_dir():
            remove(target)  # a folder cannot be renamed over a filled one
        os.replace(partial, target)
    except BaseException:
        remove(partial)
        raise


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(target) as partial:
        partial.write_text(text, encoding="utf-8")


def remove(path: Path) -> None:
    """Remove a file or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Flush to disk, so that the rename never comes before the content."""
    files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
    for file in files:
        with open(file, "rb") as handle:
            os.fsync(handle.fileno())
