"""Pieces of words for a language model whose acoustic model has phones."""

from itertools import islice
from pathlib import Path

from asr.atomic import write_text
from asr.fingerprint import fingerprint
from asr.lm.train_text import read_lines
from asr.text.tokenizer import Tokenizer

MADE_FROM = "tokenizer.txt"  # beside sp.model
MOST = 1_000_000  # sentences that the pieces are learned from, the first


def lm_tokenizer(text: Path, folder: Path, vocab_size: int) -> Tokenizer:
    """The BPE of a text: trained and kept in ``folder``, or read there if it is that.

    Args:
        text: a sentence a line.
        vocab_size: tokens, blank and unknown included; of a small text fewer.

    Raises:
        RecipeError: an empty text, or fewer tokens than it has characters.
    """
    wanted = f"bpe {vocab_size} {fingerprint(text)}\n"
    known = folder / MADE_FROM
    if known.is_file() and known.read_text(encoding="utf-8") == wanted:
        return Tokenizer.load(folder)
    lines = islice(read_lines(text), MOST)
    tokenizer = Tokenizer.train(lines, folder, "bpe", vocab_size)
    write_text(known, wanted)
    return tokenizer
