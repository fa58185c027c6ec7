"""On features: against what the same change of the waveform does to features."""

import numpy as np
import pytest
from numpy.typing import NDArray

from asr.data.augment.band import low_pass
from asr.data.augment.feature_augment import (
    FeatureAugment,
    change_level,
    limit_band,
    warp_frequency,
)
from asr.data.augment.level import to_16_bits
from asr.data.augment.mel_axis import bin_of, centres
from asr.data.fbank import compute
from tests.data.augment.settings import FEATURE, NO_MASKS, speech_like, switched_on


def features(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return compute(samples, 16000, 80)


def tone(hertz: float) -> NDArray[np.float32]:
    time = np.arange(8000) / 16000
    return (0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def test_centres_are_where_the_filters_hear_most() -> None:
    for number in (5, 30, 60, 75):
        hertz = float(centres(16000, 80)[number])
        assert features(tone(hertz))[25].argmax() == number
        assert bin_of(np.array([hertz]), 16000, 80)[0] == pytest.approx(number)


def test_factor_one_is_the_identity() -> None:
    before = features(speech_like())
    after = warp_frequency(before, 1.0, 16000)
    assert np.array_equal(after, before) and after is not before
    assert np.abs(warp_frequency(before, 1 + 1e-9, 16000) - before).max() < 1e-4


@pytest.mark.parametrize("factor", [0.85, 0.95, 1.1, 1.2])
@pytest.mark.parametrize("hertz", [500.0, 1500.0, 3000.0])
def test_a_tone_is_heard_at_its_multiple(factor: float, hertz: float) -> None:
    warped = warp_frequency(features(tone(hertz)), factor, 16000)[25]
    expected = features(tone(hertz * factor))[25]
    assert abs(int(warped.argmax()) - int(expected.argmax())) <= 1


@pytest.mark.parametrize("factor", [0.85, 1.2])
def test_the_axis_stays_in_order_and_shape(factor: float) -> None:
    ramp = np.tile(np.arange(80, dtype=np.float32), (4, 1))
    warped = warp_frequency(ramp, factor, 16000)
    assert warped.shape == ramp.shape and warped.dtype == np.float32
    assert (np.diff(warped[0]) >= 0).all()
    assert warped.min() >= 0 and warped.max() <= 79


@pytest.mark.parametrize("decibel", [-20.0, 6.0])
def test_level_equals_that_of_the_waveform(decibel: float) -> None:
    samples = speech_like()
    louder = samples * np.float32(10 ** (decibel / 20))
    found = change_level(features(samples), decibel)
    assert np.abs(found - features(louder)).max() < 1e-3


def test_level_stops_at_digital_silence() -> None:
    silence = features(np.zeros(1600, np.float32))
    assert np.array_equal(change_level(silence, -30.0), silence)


def test_band_equals_that_of_a_filtered_16_bit_file() -> None:
    samples = to_16_bits(speech_like(2.0))
    cutoff = 4000.0
    inner = slice(10, -10)  # the recording's ends are clicks
    expected = features(to_16_bits(low_pass(samples, cutoff, 16000)))[inner]
    before = features(samples)[inner]
    found = limit_band(before, np.random.default_rng(0), cutoff, 16000)
    above = centres(16000, 80) > cutoff
    assert np.array_equal(found[:, ~above], before[:, ~above])
    clear = centres(16000, 80) > 1.25 * cutoff  # no filter reaches below the cut-off
    assert np.abs(found.mean(0) - expected.mean(0))[clear].max() < 0.2
    assert np.abs(found.std(0) - expected.std(0))[clear].max() < 0.1
    assert (before[:, clear] - found[:, clear]).mean() > 2


@pytest.mark.parametrize("part", ["vtlp", "gain", "band_limit"])
@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_each_has_its_own_switch_and_probability(part: str, probability: float) -> None:
    config = switched_on(FEATURE, part, probability=probability)
    augment = FeatureAugment(config, NO_MASKS, 16000)
    before = features(speech_like(0.2))
    rng = np.random.default_rng(0)
    changed = sum(not np.array_equal(augment(before, rng), before) for _ in range(300))
    assert abs(changed - 300 * probability) <= (30 if probability == 0.3 else 0)


def test_what_is_off_draws_nothing() -> None:
    rng, untouched = np.random.default_rng(0), np.random.default_rng(0)
    before = features(speech_like(0.2))
    assert FeatureAugment(FEATURE, NO_MASKS, 16000)(before, rng) is before
    assert rng.random() == untouched.random()


def test_the_generator_decides_everything() -> None:
    config = switched_on(FEATURE, "vtlp", "gain", "band_limit", probability=0.5)
    augment = FeatureAugment(config, NO_MASKS, 16000)
    before = features(speech_like(0.2))
    one, two = (
        [augment(before, rng) for _ in range(10)]
        for rng in (np.random.default_rng(5), np.random.default_rng(5))
    )
    assert all(map(np.array_equal, one, two))
    assert len({a.tobytes() for a in one}) > 5
