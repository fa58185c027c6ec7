"""What CTC needs of an utterance."""

import pytest

from asr.data.manifest_filter import characters_needed


@pytest.mark.parametrize(
    ("text", "expected"),
    [("A", 2), ("AB", 3), ("AA", 4), ("A A", 4), ("HELLO ALL", 12)],
)
def test_characters_needed(text: str, expected: int) -> None:
    assert characters_needed(text) == expected
