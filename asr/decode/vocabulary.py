"""What the tokens of a CTC model mean: blank, spaces, the letters of words."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import compress

import numpy as np

from asr.errors import RecipeError
from asr.text.foreign_tokens import BLANKS, SILENT
from asr.text.tokenizer import BLANK, WORD_START

SPACES = ("|", "<space>", " ")  # wav2vec 2.0; ESPnet and others; plain characters
# Tokens that vocabularies list and CTC models do not mean to emit.
NEVER_SPOKEN = SILENT | {BLANK, ""}


class Vocabulary:
    """The V tokens of a model, as the searches need them.

    Words begin at ``▁`` where there are such tokens (sentencepiece pieces or
    characters), else after ``|``, ``<space>`` or a space, the first of these that is
    a token; all are the same to the searches. Where there is none of them, an
    utterance is one word.

    Args:
        tokens: by id. Without an entry for the blank if ``blank`` is their number.
        blank: id of the blank.
        separator: between the tokens of a text; a space (for phones) makes each token
            a word of its own.

    Attributes:
        tokens: the V tokens.
        pieces: what each token adds to its word; empty for spaces.
        starts_word: whether the word before ends where this token comes.
        spoken: whether a transcript may have it; false for the blank, ``<s>``, ...
        is_spoken: the same as an array ``(V,)``.

    Raises RecipeError if the blank is not among the tokens, seems to be another one, or
    a token comes twice.
    """

    def __init__(
        self, tokens: Sequence[str], blank: int = 0, separator: str = ""
    ) -> None:
        named = [*tokens, BLANK] if blank == len(tokens) else list(tokens)
        if not 0 <= blank < len(named):
            raise RecipeError(
                f"blank {blank} is not one of the {len(tokens)} tokens: give its id"
            )
        elsewhere = [i for i, token in enumerate(named) if token in ("", *BLANKS)]
        if elsewhere and blank not in elsewhere:
            raise RecipeError(
                f"blank {blank} is {named[blank]!r}, and token {elsewhere[0]} is "
                f"{named[elsewhere[0]]!r}: is that the blank? Give blank=ID"
            )
        self.tokens = tuple(named)
        self.blank = blank
        self.separator = separator
        space = _space(named)
        self.pieces = tuple(
            "" if token == space else token.removeprefix(WORD_START) for token in named
        )
        self.starts_word = tuple(
            bool(separator) or token == space or token.startswith(WORD_START)
            for token in named
        )
        self.spoken = tuple(
            i != blank and token not in NEVER_SPOKEN for i, token in enumerate(named)
        )
        self.is_spoken = np.array(self.spoken)
        self._check_twice()

    def _check_twice(self) -> None:
        said = Counter(compress(self.tokens, self.spoken))
        token, count = max(said.items(), key=lambda item: item[1], default=("", 0))
        if count > 1:
            raise RecipeError(f"the tokens contain {token!r} {count} times")

    def __len__(self) -> int:
        return len(self.tokens)

    def text(self, ids: Iterable[int]) -> str:
        """The words of token ids, with single spaces."""
        marked = (" " * self.starts_word[i] + self.pieces[i] for i in ids)
        return " ".join("".join(marked).split())

    def without_last_word(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        """Token ids up to the token that began the last word."""
        end = len(ids) - 1
        while end > 0 and not self.starts_word[ids[end]]:
            end -= 1
        return ids[: max(end, 0)]


def _space(tokens: Sequence[str]) -> str | None:
    if any(token.startswith(WORD_START) for token in tokens):
        return WORD_START
    return next((space for space in SPACES if space in tokens), None)
