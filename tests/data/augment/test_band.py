"""Band limiting and codecs: what is above the cut-off is gone, the rest in place."""

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from asr.config_augment import CODECS
from asr.data.augment.band import FORMATS, check_codec, low_pass, through_codec
from asr.errors import RecipeError
from tests.data.augment.settings import delay, power, speech_like
from tests.data.sounds import noise


def energy(samples: NDArray[np.float32], low: float, high: float) -> float:
    """In dB, of the frequencies between two."""
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / 16000)
    return float(10 * np.log10(spectrum[(low <= hertz) & (hertz < high)].sum() + 1e-12))


@pytest.mark.parametrize("cutoff", [2000.0, 3400.0, 6000.0])
def test_nothing_is_left_above_the_cut_off(cutoff: float) -> None:
    before = noise(1.0)
    after = low_pass(before, cutoff, 16000)
    assert after.shape == before.shape and after.dtype == np.float32
    above = (1.02 * cutoff, 8001)
    assert energy(before, *above) - energy(after, *above) > 40
    below = (0, 0.94 * cutoff)
    assert abs(energy(before, *below) - energy(after, *below)) < 0.1
    assert delay(after, before) == 0


def test_a_cut_off_above_everything_changes_nothing() -> None:
    assert np.abs(low_pass(noise(0.5), 9000.0, 16000) - noise(0.5)).max() < 1e-5


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("kbps", [16.0, 32.0])
@pytest.mark.parametrize("seconds", [0.02, 0.7, 4.5])
def test_round_trip_keeps_length_place_and_level(
    name: str, kbps: float, seconds: float
) -> None:
    before = speech_like(seconds)
    after = through_codec(before, name, kbps, 16000)
    assert after.shape == before.shape and after.dtype == np.float32
    assert not np.array_equal(after, before)
    if seconds > 0.1:
        assert abs(delay(after, before)) <= 2
        assert power(after) == pytest.approx(power(before), rel=0.15)


def test_fewer_bits_are_a_narrower_band() -> None:
    before = noise(2.0)
    lost = {
        kbps: energy(before, 6500, 8001)
        - energy(through_codec(before, "mp3", kbps, 16000), 6500, 8001)
        for kbps in (24.0, 96.0)
    }
    assert lost[24.0] > 30 > 10 > lost[96.0]


def test_the_same_input_gives_the_same_output() -> None:
    for name in FORMATS:
        one, two = (through_codec(speech_like(), name, 24.0, 16000) for _ in range(2))
        assert np.array_equal(one, two)


def test_a_codec_that_is_not_built_in_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    check_codec("mp3")
    monkeypatch.setattr(soundfile, "available_subtypes", lambda container: {})
    with pytest.raises(RecipeError, match="cannot write mp3; leave it out"):
        check_codec("mp3")
