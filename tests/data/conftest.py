"""Fixtures for the tests of asr/data."""

from pathlib import Path

import pytest
from lhotse import CutSet

from asr.data.manifest import prepare_split
from asr.text.normalize import get_rule
from tests.data.features import TEXTS
from tests.data.sounds import corpus


@pytest.fixture
def cuts(tmp_path: Path) -> CutSet:
    manifests = corpus(tmp_path / "audio", TEXTS, (1.0, 1.3, 0.7))
    return prepare_split("train", *manifests, get_rule("upper")).cuts
