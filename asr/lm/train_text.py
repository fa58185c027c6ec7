"""The text that the n-gram is trained on."""

import gzip
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from asr.atomic import atomic_path
from asr.errors import RecipeError
from asr.progress import LineTimer


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a text file, plain or .gz; RecipeError if it cannot be read."""
    opener: Callable[..., Iterable[str]] = gzip.open if path.suffix == ".gz" else open
    try:
        yield from opener(path, "rt", encoding="utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise RecipeError(f"LM text {path} cannot be read: {error}") from error


def write_train_text(
    transcripts: Iterable[str],
    extra: Path | None,
    normalize: Callable[[str], str],
    out: Path,
) -> int:
    """Stream the LM's training text, a normalised sentence a line; return its count.

    ``transcripts`` are normalised already, ``extra`` (plain or .gz) is not.
    """
    count, timer = 0, LineTimer()
    with atomic_path(out) as partial, open(partial, "w", encoding="utf-8") as file:
        for line in _sentences(transcripts, extra, normalize):
            file.write(line + "\n")
            count += 1
            if count % 1000 == 0 and timer.due():
                print(f"LM text: {count} sentences", flush=True)
        if count == 0:
            raise RecipeError("LM text: no sentence; check the train manifest")
    return count


def _sentences(
    transcripts: Iterable[str], extra: Path | None, normalize: Callable[[str], str]
) -> Iterator[str]:
    yield from filter(None, transcripts)
    if extra is not None:
        yield from filter(None, map(normalize, read_lines(extra)))
