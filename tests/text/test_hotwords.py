"""Files of hot words: what is read, and a line with its number for what is not."""

from pathlib import Path

import pytest

from asr.errors import UsageError
from asr.text.hotwords import DEFAULT_WEIGHT, read_hotwords
from asr.text.normalize import get_rule


def read(path: Path, text: str | bytes, rule: str = "upper") -> dict[str, float]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_hotwords(path, get_rule(rule))


def test_words_are_normalised_and_phrases_are_their_words(tmp_path: Path) -> None:
    text = "\ufeff# names\n\nWarszawa 7.5\n  \u201cDon\u2019t\u201d\t-2\nNew  York 3\nyork 4e0\nfive\n"
    found = read(tmp_path / "words", text + "Route 66 12\r\n#end")
    assert found == {
        **{"WARSZAWA": 7.5, "DON'T": -2.0, "NEW": 3.0, "YORK": 4.0},
        **{"FIVE": DEFAULT_WEIGHT, "ROUTE": 12.0, "66": 12.0},
    }
    assert read(tmp_path / "words", "Ab 1\n8\n", "none") == {"Ab": 1.0, "8": 7.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "A 5\nB 7,5\n",
            "words:2: 'B 7,5': a space between word and weight, and a point",
        ),
        ("A:5\n", "words:1: 'A:5': a space between"),
        ("A;5\n# x", "words:1: 'A;5': a space between"),
        ("\n!!! 5\n", "words:2: no word in '!!! 5'"),
        ("A 1000\n", "words:1: weight 1000: from -100 to 100"),
        ("A 1e9999\n", "words:1: weight 1e9999: from -100 to 100"),
        ("# A 5\n", "words: no words in it"),
        (b"caf\xe9 5\n", "words: not UTF-8 text"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(UsageError) as found:
        read(tmp_path / "words", text)
    assert f"{tmp_path}/{message}" in str(found.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError, match=f"--hotwords {path}: "):
            read_hotwords(path, get_rule("none"))
