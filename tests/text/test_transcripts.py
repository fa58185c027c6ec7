"""Transcripts out of cuts files."""

import gzip
import json
from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.text.transcripts import read_transcripts


def test_texts_by_id_in_file_order(tmp_path: Path) -> None:
    cuts = [
        {"id": "b", "supervisions": [{"text": "ONE TWO"}]},
        {"id": "a", "supervisions": [{"text": None}]},
        {"id": "c", "supervisions": [{"text": "THREE"}]},
    ]
    path = tmp_path / "cuts.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, cuts)).encode()))
    assert list(read_transcripts(path).items()) == [("b", "ONE TWO"), ("c", "THREE")]


def test_missing_and_damaged(tmp_path: Path) -> None:
    path = tmp_path / "cuts.jsonl.gz"
    with pytest.raises(RecipeError, match="is missing"):
        read_transcripts(path)
    path.write_bytes(gzip.compress(b'{"id": "a"}\n'))
    with pytest.raises(RecipeError, match="is damaged"):
        read_transcripts(path)
    path.write_bytes(gzip.compress(b'{"id": "a"}\n' * 99)[:-12])
    with pytest.raises(RecipeError, match="is damaged"):
        read_transcripts(path)
