"""Features: right, in order, restartable, and lhotse's."""

import numpy as np
import pytest
from lhotse import CutSet

from asr.data.fbank import compute, plan
from tests.data.features import SETTINGS, kaldi
from tests.data.sounds import noise


@pytest.mark.parametrize("num_samples", [400, 8000, 16079, 16080, 16081, 27123])
def test_equals_kaldi(num_samples: int) -> None:
    samples = noise(num_samples / 16000) * np.linspace(0, 1, num_samples, dtype="f4")
    ours, theirs = compute(samples, 16000, 80), kaldi(samples)
    assert ours.shape == theirs.shape == (round(num_samples / 160 + 1e-9), 80)
    assert np.abs(ours - theirs).max() < 2e-3
    assert np.abs(ours - theirs).mean() < 1e-5


def test_digital_silence_is_finite() -> None:
    assert np.isfinite(compute(np.zeros(1600, np.float32), 16000, 80)).all()


def test_plan_fills_shards_in_order(cuts: CutSet) -> None:
    shards = plan(cuts, SETTINGS)
    assert [[cut.id for cut in shard] for shard in shards] == [
        ["a-0", "a-1"],
        ["a-2", "a-3"],
        ["a-4", "a-5"],
        ["a-6"],
    ]
