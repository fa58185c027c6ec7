"""Resampling in whole numbers keeps what is below the new band's edge."""

import numpy as np
import pytest

from asr.data.resample import resample


@pytest.mark.parametrize("hertz", [200, 1000, 3000, 6500])
def test_resampling_keeps_tones(hertz: int) -> None:
    time = np.arange(22050) / 22050
    samples = np.rint(10000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)
    expected = 10000 * np.sin(2 * np.pi * hertz * np.arange(16000) / 16000)
    resampled = resample(samples, 22050, 16000)
    assert len(resampled) == 16000
    assert np.abs(resampled - expected)[100:-100].max() < 30


def test_resampling_removes_what_would_fold_back() -> None:
    time = np.arange(22050) / 22050
    samples = np.rint(10000 * np.sin(2 * np.pi * 9500 * time)).astype(np.int16)
    assert np.abs(resample(samples, 22050, 16000)[100:-100]).max() < 60
