"""Log-probabilities on disk."""

from pathlib import Path

import numpy as np
import pytest

from asr.decode.log_probs import read_ids, read_log_probs, write_log_probs
from asr.errors import RecipeError


def test_log_probs_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "log_probs.h5"
    values = np.random.default_rng(0).normal(size=(3, 4))
    for _ in range(2):
        with write_log_probs(path, {"model": "toy"}) as writer:
            writer.add("b/1", values, 12, 0.125)
            writer.add("a", values[:0], 0, 0.0)
            writer.add("B", values[:2], 8, 0.08)
    assert read_ids(path) == ["B", "a", "b/1"]
    found = {u.id: u for u in read_log_probs(path)}
    assert list(found) == ["B", "a", "b/1"]
    assert found["b/1"].log_probs.dtype == np.float32
    np.testing.assert_array_equal(found["b/1"].log_probs, values.astype(np.float32))
    assert found["a"].log_probs.shape == (0, 4)
    assert found["b/1"].duration == 0.125
    with pytest.raises(RecipeError, match="no log-probs of utterance c"):
        list(read_log_probs(path, ["a", "c"]))


def test_log_probs_are_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "log_probs.h5"
    with pytest.raises(KeyError), write_log_probs(path, {}) as writer:
        writer.add("a", np.zeros((2, 2)), 8, 0.08)
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RecipeError, match="is missing"):
        read_ids(path)
    path.write_bytes(b"no HDF5")
    with pytest.raises(RecipeError, match="is damaged"):
        read_ids(path)
