"""Named rules that bring a transcript into the form a corpus is scored in.

A rule is a pure function ``str -> str``; the same rule must be used for the training
text, the language model's text and the references, so a corpus names one in its YAML
(``corpus.normalize``). Digits are left as they are by every rule. What is canonically
equivalent in Unicode, or differs in what nobody sees, is one text for all of them.
"""

import re
import unicodedata
from collections.abc import Callable

from asr.errors import RecipeError

Rule = Callable[[str], str]

# Unicode's Default_Ignorable_Code_Point: soft hyphens, zero-width spaces and joiners,
# byte-order marks inside of texts, marks of direction, variation selectors, fillers.
_INVISIBLE = (
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *(*range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F)),
    *(*range(0x2060, 0x2070), *range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9)),
    *(*range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)),
)
_WITHOUT_INVISIBLE: dict[int, str | None] = dict.fromkeys(_INVISIBLE, None)
_CONTROLS = {code: " " for code in (*range(0x20), *range(0x7F, 0xA0))}
# sentencepiece's own mark of a word's beginning is a space in a text, as it is there.
_AS_WRITTEN: dict[int, str | None] = {
    **_WITHOUT_INVISIBLE,
    **_CONTROLS,
    ord("\u2581"): " ",
}
# Typographic apostrophes, and the accents and primes that people type for one; double
# primes and trade marks, of which NFKC would make apostrophes and letters.
_TYPED: dict[int, str | None] = {
    **_WITHOUT_INVISIBLE,
    **dict.fromkeys(map(ord, "\u2018\u2019\u201b\u02bc\u02bb\u02b9\u2032"), "'"),
    **dict.fromkeys(map(ord, "\u00b4`\uff07\uff40\u055a\ua78b\ua78c\u1fbd\u1fbf"), "'"),
    **dict.fromkeys(map(ord, "\u2033\u2034\u2057\u2035\u2036\u2037\u2122\u2120"), " "),
}
_ASCII = {code: " " for code in range(128) if not chr(code).isalnum()}
_ASCII |= {ord("'"): "'", ord("`"): "'"}
_QUOTATION = re.compile("''+")  # typed, of two apostrophes


# Words that have a meaning of their own in n-grams, graphs or tokenizers.
RESERVED = frozenset(("<s>", "</s>", "<eps>", "<unk>", "<blk>", "#0"))


def fold_spaces(text: str) -> str:
    """Return ``text`` with one blank between words and none at the ends."""
    return " ".join(text.split())


def as_written(text: str) -> str:
    """The words as they are, in Unicode's composed form, without what is invisible."""
    text = fold_spaces(text)
    if text.isascii() and text.isprintable():
        return text
    return fold_spaces(unicodedata.normalize("NFC", text.translate(_AS_WRITTEN)))


def strip_punctuation(text: str) -> str:
    """Return NFKC text of letters, marks, digits, apostrophes and single blanks.

    Every other character separates words, but what is invisible, which is left out. An
    apostrophe is kept only where it touches a letter or digit (``don't``, ``dogs'``),
    not as a quotation mark alone or of two.
    """
    kept = text.translate(_ASCII) if text.isascii() else _word_characters(text)
    if "''" in kept:
        kept = _QUOTATION.sub(" ", kept)
    return " ".join(word for word in kept.split() if word.strip("'"))


def without_reserved(text: str) -> tuple[str, list[str]]:
    """The text without words of ``RESERVED``, and these: nobody says them.

    They are taken out of what is trained on and compared with before the rule, which
    would make letters of them.
    """
    if "<" not in text and "#" not in text:
        return text, []
    words = text.split()
    taken = [word for word in words if word.lower() in RESERVED]
    return " ".join(w for w in words if w.lower() not in RESERVED), taken


def upper(text: str) -> str:
    """Upper-case words without punctuation, as LibriSpeech and AN4 write them."""
    return _composed(strip_punctuation(text).upper())


def lower(text: str) -> str:
    """Lower-case words without punctuation."""
    return _composed(strip_punctuation(text).lower())


DESCRIPTIONS = {
    "none": "as written",
    "upper": "upper case, without punctuation; numbers stay as they are",
    "lower": "lower case, without punctuation; numbers stay as they are",
}
RULES: dict[str, Rule] = {"none": as_written, "upper": upper, "lower": lower}


def get_rule(name: str) -> Rule:
    """Return the rule called ``name``.

    Raises:
        RecipeError: there is no such rule.
    """
    if name not in RULES:
        known = ", ".join(sorted(RULES))
        raise RecipeError(
            f"corpus.normalize: no rule is called '{name}'; the rules are {known}"
        )
    return RULES[name]


def _word_characters(text: str) -> str:
    """What is read aloud as a word, in NFKC; a blank for all else."""
    text = unicodedata.normalize("NFKC", text.translate(_TYPED)).translate(_TYPED)
    kept: list[str] = []
    letter = False  # whether a letter or digit comes before, which can bear marks
    for character in text:
        kind = unicodedata.category(character)
        letter = kind[0] in "LN" or (kind in ("Mn", "Mc") and letter)
        kept.append(character if letter or character == "'" else " ")
    return "".join(kept)


def _composed(text: str) -> str:
    """NFC: of some letters upper case is several characters, which compose."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
