"""The units of a lang folder: pieces of words, or phones."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from asr.text.phones import PRONUNCIATIONS, PhoneTokenizer
from asr.text.tokenizer import Tokenizer


class Units(Protocol):
    """What ``Tokenizer`` and ``PhoneTokenizer`` have in common."""

    tokens: list[str]
    separator: str  # between the tokens of a text: none, or a space between phones

    @property
    def vocab_size(self) -> int: ...

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: Iterable[int]) -> str: ...

    def spell(self, words: Iterable[str]) -> dict[str, tuple[tuple[int, ...], ...]]: ...


def has_phones(lang_dir: Path) -> bool:
    """Whether the tokens are phones, each a unit of its own, without word marks."""
    return (lang_dir / PRONUNCIATIONS).is_file()


def separator(lang_dir: Path) -> str:
    """What stands between the tokens of a text: a space between phones."""
    return PhoneTokenizer.separator if has_phones(lang_dir) else Tokenizer.separator


def load_units(lang_dir: Path) -> Units:
    """Read what stage 3 wrote; RecipeError if it is missing or damaged."""
    if has_phones(lang_dir):
        return PhoneTokenizer.load(lang_dir)
    return Tokenizer.load(lang_dir)
