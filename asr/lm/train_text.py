"""The text that language models are trained on: sentences, and their token ids."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from asr.atomic import atomic_path, write_text
from asr.errors import RecipeError
from asr.fingerprint import fingerprint
from asr.progress import LineTimer
from asr.text.encoding import HEAD, EncodingError, tell_encoding
from asr.text.normalize import fold_spaces, without_reserved
from asr.text.tokenizer import Tokenizer

BOUNDARY = 0  # between sentences; as a token it is the blank, which no text has
MAX_TOKENS = 1 << 16  # ids are stored in two bytes
BLOCK = 4096  # sentences that are written together
TOKENIZER_SENTENCES = 1_000_000  # that a tokenizer is trained on, the first ones


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


def lm_tokenizer(text: Path, folder: Path, vocab_size: int) -> Tokenizer:
    """Train a BPE on a text, for an LM whose acoustic model has phones.

    It is kept in ``folder``, and read from there if the text is still the same.

    Args:
        text: a sentence a line.
        vocab_size: tokens, blank and unknown included; of a small text fewer.

    Raises:
        RecipeError: an empty text, or fewer tokens than it has characters.
    """
    wanted = f"bpe {vocab_size} {fingerprint(text)}\n"
    known = folder / "tokenizer.txt"
    if known.is_file() and known.read_text(encoding="utf-8") == wanted:
        return Tokenizer.load(folder)
    lines = islice(read_lines(text), TOKENIZER_SENTENCES)
    tokenizer = Tokenizer.train(lines, folder, "bpe", vocab_size)
    write_text(known, wanted)
    return tokenizer


@dataclass(frozen=True)
class TokenText:
    """Ids of sentences one after the other, a 0 before, between and after them."""

    ids: NDArray[np.uint16]

    @classmethod
    def open(cls, path: Path) -> "TokenText":
        """Map a file that :func:`write_token_text` wrote; it is never loaded."""
        return cls(np.memmap(path, np.uint16, mode="r"))

    def pieces(self, context: int) -> NDArray[np.int64]:
        """Find what a model learns from at once: sentences, long ones in parts.

        A piece (begin, size) has the inputs ``ids[begin : begin + size]`` and the
        targets one further; a sentence's first input and last target are 0.

        Args:
            context: tokens of a piece at most.

        Returns:
            (N, 2) begins and sizes, in the order of the text.
        """
        ends = np.flatnonzero(np.asarray(self.ids == BOUNDARY))
        begins, sizes = ends[:-1], np.diff(ends)
        parts = -(-sizes // context)
        first = np.repeat(np.cumsum(parts) - parts, parts)
        offset = (np.arange(parts.sum()) - first) * context
        left = np.repeat(sizes, parts) - offset
        found = np.repeat(begins, parts) + offset
        pieces: NDArray[np.int64] = np.stack([found, np.minimum(left, context)], axis=1)
        return pieces


def write_token_text(
    sentences: Iterable[str],
    encode: Callable[[str], list[int]],
    vocab_size: int,
    path: Path,
) -> int:
    """Tokenise a text and write it atomically; return the number of sentences.

    Empty sentences are left out.

    Raises:
        RecipeError: no sentence, or more tokens than two bytes can tell apart.
    """
    if vocab_size > MAX_TOKENS:
        raise RecipeError(f"tokenizer: {vocab_size} tokens; at most {MAX_TOKENS}")
    count, timer, block = 0, LineTimer(), [BOUNDARY]
    with atomic_path(path) as partial, open(partial, "wb") as file:
        for sentence in sentences:
            ids = encode(sentence.strip())  # a line's end is no token
            if not ids:
                continue
            block += [*ids, BOUNDARY]
            count += 1
            if count % BLOCK == 0:
                np.array(block, np.uint16).tofile(file)
                block = []
                if timer.due():
                    print(f"neural LM: {count} sentences tokenised", flush=True)
        np.array(block, np.uint16).tofile(file)
        if count == 0:
            raise RecipeError("neural LM: the text has no sentence; run stage 4 (lm)")
    return count
