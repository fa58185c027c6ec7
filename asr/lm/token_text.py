"""The LM's text as token ids in one file, which is mapped and never loaded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.atomic import atomic_path
from asr.errors import RecipeError
from asr.progress import LineTimer

BOUNDARY = 0  # between sentences; as a token it is the blank, which no text has
MAX_TOKENS = 1 << 16  # ids are stored in two bytes
BLOCK = 4096  # sentences that are written together


@dataclass(frozen=True)
class TokenText:
    """Sentences one after the other, a 0 before, between and after them.

    Attributes:
        ids: of the whole text, uint16.
    """

    ids: NDArray[np.uint16]

    @classmethod
    def open(cls, path: Path) -> "TokenText":
        """Map a file that :func:`write_token_text` wrote."""
        return cls(np.memmap(path, np.uint16, mode="r"))

    def pieces(self, context: int) -> NDArray[np.int64]:
        """What a model learns from at once: sentences, long ones in parts.

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
