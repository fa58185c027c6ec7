"""Pitch shift: other frequencies, the same words at the same times."""

import numpy as np
import pytest
from numpy.typing import NDArray

from asr.data.augment.pitch import shift_pitch, stretch
from tests.data.augment.settings import power


def tone(hertz: float, seconds: float = 1.0) -> NDArray[np.float32]:
    time = np.arange(round(seconds * 16000)) / 16000
    return np.asarray(0.5 * np.sin(2 * np.pi * hertz * time), np.float32)


def frequency(samples: NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 17))
    return float(spectrum.argmax()) * 16000 / (1 << 17)


@pytest.mark.parametrize("semitones", [-4.0, -1.0, 2.0, 5.0])
def test_a_tone_is_shifted_and_lasts_as_long(semitones: float) -> None:
    before = tone(400)
    after = shift_pitch(before, semitones, 16000)
    assert after.shape == before.shape and after.dtype == np.float32
    expected = 400 * round(100 * 2 ** (semitones / 12)) / 100
    assert frequency(after) == pytest.approx(expected, rel=0.005)
    middle = slice(2000, -2000)
    assert power(after[middle]) == pytest.approx(power(before[middle]), rel=0.1)


@pytest.mark.parametrize("semitones", [-3.0, 3.0])
def test_words_stay_where_they_are(semitones: float) -> None:
    before = np.zeros(32000, np.float32)
    starts = (3000, 12000, 24000)
    for start in starts:
        before[start : start + 4000] = tone(300, 0.25)
    after = shift_pitch(before, semitones, 16000)
    loud = np.convolve(np.abs(after) > 0.05, np.ones(400), "same") > 0
    found = np.flatnonzero(np.diff(loud.astype(int)) == 1)
    assert len(found) == 3
    assert np.abs(found + 200 - np.array(starts)).max() < 0.02 * 16000


@pytest.mark.parametrize("length", [0, 1, 100, 481, 5000, 20000])
def test_stretching_gives_the_length_asked_for(length: int) -> None:
    assert len(stretch(tone(300, 0.4), length, 16000)) == length
    assert len(shift_pitch(tone(300, 2.0)[:length], 2.0, 16000)) == length


def test_stretching_to_the_same_length_is_the_identity() -> None:
    before = np.random.default_rng(0).normal(size=8000).astype(np.float32)
    assert np.abs(stretch(before, 8000, 16000) - before).max() < 1e-5


def test_no_semitones_are_no_change() -> None:
    assert np.array_equal(shift_pitch(tone(300), 0.0, 16000), tone(300))
