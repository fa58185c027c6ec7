"""Rules for transcripts."""

import unicodedata

import pytest

from asr.errors import RecipeError
from asr.text.normalize import RULES, get_rule


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, world!", "HELLO WORLD"),
        ("  don\u2019t \t stop\n", "DON'T STOP"),
        ("the dogs' \u2018bone\u2019 'here'", "THE DOGS' 'BONE' 'HERE'"),
        ("rock ' n ' roll", "ROCK N ROLL"),
        ("forty-two\u2014no: 42", "FORTY TWO NO 42"),
        ("\uff21\uff22 caf\u00e9 cafe\u0301 \ufb01n", "AB CAF\u00c9 CAF\u00c9 FIN"),
        ("... ?!", ""),
        ("", ""),
    ],
)
def test_upper(text: str, expected: str) -> None:
    assert get_rule("upper")(text) == expected


def test_lower_and_none() -> None:
    assert get_rule("lower")("Mr. O'NEIL said:  No!") == "mr o'neil said no"
    assert get_rule("none")("  Mr. O'NEIL\tsaid ") == "Mr. O'NEIL said"


@pytest.mark.parametrize(
    "apostrophe", "' \u2019 \u2018 \u201b \u02bc \uff07 \u2032 \u00b4 `".split()
)
def test_dont_is_one_word_however_it_is_typed(apostrophe: str) -> None:
    assert get_rule("upper")(f"Don{apostrophe}t.") == "DON'T"
    assert get_rule("lower")(f"\u201cDon{apostrophe}t\u201d!") == "don't"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u201cyes\u201d \u00abno\u00bb \u201eja\u201c ``so'' \u3008x\u3009", "YES NO JA SO X"),
        ("well\u2013known, a\u2014b, c\u2011d, e\u2212f", "WELL KNOWN A B C D E F"),
        ("wait\u2026 what", "WAIT WHAT"),
        ("no\u00a0break thin\u2009space\u202fand\u3000wide", "NO BREAK THIN SPACE AND WIDE"),
        ("co\u00adoperate zero\u200bwidth jo\u200din\u200cer", "COOPERATE ZEROWIDTH JOINER"),
        ("\ufefflate\ufeff mark \u200eleft\u200f \u202aright\u202c \u2066x\u2069", "LATE MARK LEFT RIGHT X"),
        ("e\u0301te\u0301", "\u00c9T\u00c9"),
        ("\uff28\uff25\uff2c\uff2c\uff2f \ufb03 \ufb02y", "HELLO FFI FLY"),
        ("Acme\u2122 5\u2033 \u00a8 I \u2764\ufe0f 1\ufe0f\u20e3", "ACME 5 I 1"),
        ("\u0928\u092e\u0938\u094d\u0924\u0947", "\u0928\u092e\u0938\u094d\u0924\u0947"),
        ("a\x00b\x1a", "A B"),
    ],
)  # fmt: skip
def test_what_is_typed_in_other_ways(text: str, expected: str) -> None:
    assert get_rule("upper")(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cafe\u0301 \u201cDon\u2019t\u201d", "Caf\u00e9 \u201cDon\u2019t\u201d"),
        ("\ufeffa\u200bb\u00adc \u200e d", "abc d"),
        ("\u2581one\u2581two", "one two"),
        ("a\x00b c\x1a", "a b c"),
    ],
)
def test_what_is_written_stays_but_what_nobody_sees(text: str, expected: str) -> None:
    assert get_rule("none")(text) == expected


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_character_is_in_its_form_after_one_pass(name: str) -> None:
    rule = get_rule(name)
    for code in (*range(0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x1F000)):
        if unicodedata.category(chr(code))[0] != "C" or code < 0x100:
            for text in (chr(code), f"a{chr(code)}b"):
                assert rule(rule(text)) == rule(text), hex(code)


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.parametrize("text", ["A b\u2019c \u00df \u0130 x", "1\u00b2 \u2126 '' a'"])
def test_applying_twice_changes_nothing(name: str, text: str) -> None:
    rule = get_rule(name)
    assert rule(rule(text)) == rule(text)


def test_unknown_rule_names_the_known() -> None:
    with pytest.raises(RecipeError, match="'uper'.*lower, none, upper"):
        get_rule("uper")
