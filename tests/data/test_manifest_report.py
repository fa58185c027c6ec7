"""What stage 1 tells about its splits."""

from pathlib import Path

import pytest

from asr.data.manifest import prepare_split
from asr.data.manifest_report import check_overlap
from asr.errors import RecipeError
from asr.text.normalize import get_rule
from tests.data.sounds import corpus

UPPER = get_rule("upper")


def test_overlap(tmp_path: Path) -> None:
    train = prepare_split("train", *corpus(tmp_path, {"a1": "x", "b1": "y"}), UPPER)
    dev = prepare_split("dev", *corpus(tmp_path, {"a2": "x", "c1": "y"}), UPPER)
    test = prepare_split("test", *corpus(tmp_path, {"a1": "x"}), UPPER)
    assert check_overlap([train, dev]) == [
        "WARNING: train and dev share 1 speakers (a)"
    ]
    with pytest.raises(RecipeError, match=r"train and test share 1 utterances \(a1\)"):
        check_overlap([train, dev, test])
