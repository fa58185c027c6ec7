"""Oracle error rates, counted by hand."""

from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.score.error_rate import ErrorRate
from asr.score.oracle import oracle_errors, read_nbest


def test_the_nearest_hypothesis_counts() -> None:
    refs = {"a": "one two three", "b": "four", "c": ""}
    nbest = {
        "a": ["one", "one two tree", "two three four"],  # 2, 1, 2 errors
        "b": ["five six", "four"],
        "c": ["seven"],
        "untold": ["eight"],
    }
    assert oracle_errors(refs, nbest) == ErrorRate(1, 0, 1, 4)


def test_lists_are_read_as_decoders_write_them(tmp_path: Path) -> None:
    path = tmp_path / "nbest.jsonl"
    path.write_text('{"id": "u", "nbest": [{"text": "é A"}, {"text": ""}]}\n')
    assert read_nbest(path) == {"u": ["é A", ""]}
    path.write_text('{"id": "u", "nbest": [{"text": "A"}]}\n{"id": "v"}\n')
    with pytest.raises(RecipeError, match="line 2 is damaged"):
        read_nbest(path)
