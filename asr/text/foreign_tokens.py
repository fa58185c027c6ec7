"""Tokens of models that are not ours, in the recipe's own form.

NeMo, Hugging Face, icefall and ESPnet differ in where the blank stands and in how the
space is written. Inside the recipe the blank is token 0 and ``▁`` begins a word; here
is the only place that knows of others.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from asr.errors import RecipeError
from asr.text.encoding import read_text
from asr.text.tokenizer import BLANK, WORD_START

BLANKS = ("<blk>", "<blank>", "<eps>", "<ctc_blank>", "<pad>", "[PAD]")
SPACES = ("<space>", "|", " ")
# Outputs that write nothing, of models whose tokenizer is another model's too.
SILENT = frozenset(
    "<s> </s> <bos> <sos> <eos> <sos/eos> <pad> [PAD] <mask> [MASK] [CLS] [SEP]".split()
)


@dataclass(frozen=True)
class ForeignTokens:
    """A model's outputs, and what they are here.

    Attributes:
        written: the tokens as their file has them, in the order of ``tokens``.
        tokens: the recipe's form, blank first; outputs that write nothing are left out.
        columns: for each of them the model's column.
        width: columns of the model.
        space: id in ``tokens`` of a space that stands between words and not before the
            first; None where tokens begin words, or where there is no space at all.
    """

    written: tuple[str, ...]
    tokens: tuple[str, ...]
    columns: tuple[int, ...]
    width: int
    space: int | None

    @property
    def show_words(self) -> bool:
        """Whether tokens tell where a word begins; phones do not."""
        return any(token.startswith(WORD_START) for token in self.tokens)


def read_foreign_tokens(path: Path, blank: int | None = None) -> ForeignTokens:
    """Read ``token id`` lines.

    Args:
        blank: the blank's id; by default that of the first name of ``BLANKS`` that is
            there. It may be the id after the last one, where the file leaves it out.

    Raises:
        RecipeError: no such file, ids that are not 0, 1, 2, ..., or no blank.
    """
    written = _without_disambiguation(_read(path))
    blank = _find_blank(path, written, blank)
    if blank == len(written):
        written.append(BLANK)
    kept = [i for i, name in enumerate(written) if i != blank and name not in SILENT]
    columns = [blank, *kept]
    names = [written[i] for i in columns]
    space = _find_space(names)
    tokens = [BLANK, *names[1:]]
    if space is not None:
        tokens[space] = WORD_START
    width = len(written)
    return ForeignTokens(tuple(names), tuple(tokens), tuple(columns), width, space)


def _read(path: Path) -> list[str]:
    """The tokens by their ids, whatever the order of the lines."""
    if not path.is_file():
        raise RecipeError(f"{path}: no such file of tokens ('token id' a line)")
    lines = read_text(path).split("\n")
    tokens: dict[int, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = re.fullmatch(r"(.+?)[ \t](\d+)\s*", line)
        if found is None:
            raise RecipeError(f"{path}, line {number}: not 'token id': {line}")
        token, index = found[1].strip() or " ", int(found[2])
        if index in tokens:
            raise RecipeError(f"{path}, line {number}: id {index} for a second time")
        tokens[index] = token
    missing = [i for i in range(len(tokens)) if i not in tokens]
    if missing or not tokens:
        what = f"id {missing[0]} is missing" if missing else "no tokens"
        raise RecipeError(f"{path}: {what}; the ids must be 0, 1, 2, ...")
    return [tokens[i] for i in range(len(tokens))]


def _without_disambiguation(tokens: list[str]) -> list[str]:
    """Less the ``#0 #1 ...`` that icefall's lang folders have after the tokens."""
    end = len(tokens)
    while end and re.fullmatch(r"#\d+", tokens[end - 1]):
        end -= 1
    return tokens[:end] if tokens[end:] and tokens[end] == "#0" else tokens


def _find_blank(path: Path, tokens: list[str], blank: int | None) -> int:
    if blank is None:
        named = [name for name in BLANKS if name in tokens]
        if not named:
            raise RecipeError(
                f"{path}: no blank ({', '.join(BLANKS)}); give its id by --blank ID, "
                f"{len(tokens)} if it is the model's last column and not in the file"
            )
        return tokens.index(named[0])
    if not 0 <= blank <= len(tokens):
        raise RecipeError(f"--blank {blank}: {path} has ids 0 to {len(tokens) - 1}")
    return blank


def _find_space(tokens: list[str]) -> int | None:
    """Where the space is that stands between words; pieces with ``▁`` need none."""
    if any(WORD_START in token for token in tokens):
        return None
    return next((tokens.index(s) for s in SPACES if s in tokens[1:]), None)
