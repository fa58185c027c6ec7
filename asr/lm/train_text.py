"""The text that the n-gram is trained on."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from asr.atomic import atomic_path
from asr.errors import RecipeError
from asr.progress import LineTimer
from asr.text.encoding import HEAD, EncodingError, tell_encoding
from asr.text.normalize import fold_spaces, without_reserved


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a text file, plain or .gz; RecipeError if it cannot be read.

    In any encoding that :mod:`asr.text.encoding` can tell.
    """
    try:
        with _open(path) as file:
            encoding, assumed = tell_encoding(file.read(HEAD))
        if assumed:
            print(f"LM text {path}: read as {assumed}", flush=True)
        with _open(path) as file:
            yield from io.TextIOWrapper(file, encoding)
    except (OSError, EOFError, UnicodeDecodeError, EncodingError, zlib.error) as error:
        raise RecipeError(f"LM text {path} cannot be read: {error}") from error


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return gzip.GzipFile(path, "rb")  # type: ignore[return-value]
    return open(path, "rb")


def write_train_text(
    transcripts: Iterable[str],
    extra: Path | None,
    normalize: Callable[[str], str],
    out: Path,
) -> int:
    """Stream the LM's training text, a normalised sentence a line; return its count.

    ``transcripts`` are normalised already, ``extra`` (plain or .gz) is not. Words that
    n-grams have for themselves are taken out of both.
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
    yield from filter(None, _plain(transcripts, "the transcripts", fold_spaces))
    if extra is not None:
        yield from filter(None, _plain(read_lines(extra), str(extra), normalize))


def _plain(
    lines: Iterable[str], name: str, normalize: Callable[[str], str]
) -> Iterator[str]:
    """Lines without reserved words; what was taken out is told at the end."""
    taken: dict[str, int] = {}  # word -> the first line that has it
    count = 0
    for number, line in enumerate(lines, 1):
        text, before = without_reserved(line)
        text, after = without_reserved(normalize(text))
        for word in (*before, *after):
            taken.setdefault(word, number)
            count += 1
        yield text
    if taken:
        where = ", ".join(f"{word} (line {number})" for word, number in taken.items())
        print(f"LM text, {name}: {count} reserved words taken out: {where}", flush=True)
