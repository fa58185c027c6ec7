"""Named rules that bring a transcript into the form a corpus is scored in.

A rule is a pure function ``str -> str``; the same rule must be used for the training
text, the language model's text and the references, so a corpus names one in its YAML
(``corpus.normalize``). Digits are left as they are by every rule.
"""

import unicodedata
from collections.abc import Callable

from asr.errors import RecipeError

Rule = Callable[[str], str]

# Typographic apostrophes and the grave and acute accents that people type for one.
_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u00b4`"), "'")


def fold_spaces(text: str) -> str:
    """Return ``text`` with one blank between words and none at the ends."""
    return " ".join(text.split())


def strip_punctuation(text: str) -> str:
    """Return NFKC text of letters, marks, digits, apostrophes and single blanks.

    Every other character separates words. An apostrophe is kept only where it
    touches a letter or digit (``don't``, ``dogs'``), not as a quotation mark alone.
    """
    text = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES))
    kept = "".join(c if c == "'" or _is_word_character(c) else " " for c in text)
    return " ".join(word for word in kept.split() if word.strip("'"))


def upper(text: str) -> str:
    """Upper-case words without punctuation, as LibriSpeech and AN4 write them."""
    return fold_spaces(strip_punctuation(text).upper())


def lower(text: str) -> str:
    """Lower-case words without punctuation."""
    return fold_spaces(strip_punctuation(text).lower())


DESCRIPTIONS = {
    "none": "as written",
    "upper": "upper case, without punctuation; numbers stay as they are",
    "lower": "lower case, without punctuation; numbers stay as they are",
}
RULES: dict[str, Rule] = {"none": fold_spaces, "upper": upper, "lower": lower}


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


def _is_word_character(character: str) -> bool:
    # L letters, M combining marks, N digits: everything that is read aloud as a word.
    return unicodedata.category(character)[0] in "LMN"
