"""Rules for transcripts."""

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


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.parametrize("text", ["A b\u2019c \u00df \u0130 x", "1\u00b2 \u2126 '' a'"])
def test_applying_twice_changes_nothing(name: str, text: str) -> None:
    rule = get_rule(name)
    assert rule(rule(text)) == rule(text)


def test_unknown_rule_names_the_known() -> None:
    with pytest.raises(RecipeError, match="'uper'.*lower, none, upper"):
        get_rule("uper")
