"""Log-mel features: lhotse's, whatever the length and the sample rate."""

import numpy as np
import pytest
from lhotse import Fbank, FbankConfig

from asr.data.log_mel import PIECE, LogMel, log_mel
from tests.data.sounds import noise


@pytest.mark.parametrize(
    ("sample_rate", "bins"),
    [(8000, 40), (16000, 80), (16000, 23), (16000, 300), (22050, 64)],
)
@pytest.mark.parametrize("seconds", [0.03, 0.5, 0.50995, PIECE / 100, 11.003])
def test_equals_lhotse(sample_rate: int, bins: int, seconds: float) -> None:
    samples = np.resize(noise(1.7), round(seconds * sample_rate))
    samples *= np.linspace(0, 1, len(samples), dtype="f4")
    config = FbankConfig(sampling_rate=sample_rate, num_filters=bins)
    theirs = Fbank(config).extract(samples, sample_rate)
    ours = LogMel(sample_rate, bins)(samples)
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 2e-5


@pytest.mark.parametrize("num_samples", [0, 79, 80, 119, 240])
def test_next_to_no_samples(num_samples: int) -> None:
    features = log_mel(16000, 80)(noise(1.0)[:num_samples])
    assert features.shape == ((num_samples + 80) // 160, 80)
    assert np.isfinite(features).all()


def test_calls_do_not_share_memory() -> None:
    extract = log_mel(16000, 80)
    first = extract(noise(1.0))
    kept = first.copy()
    extract(np.zeros(16000, np.float32))
    assert np.array_equal(first, kept)
