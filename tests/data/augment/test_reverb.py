"""Rooms: as live as asked for, and words stay where they are, as loud as they were."""

import numpy as np
import pytest

from asr.data.augment.reverb import reverberate, simulate_impulse
from tests.data.augment.settings import delay, power, speech_like


@pytest.mark.parametrize("rt60", [0.2, 0.5])
@pytest.mark.parametrize("drr", [0.0, 12.0])
def test_simulated_room_has_its_decay_and_direct_sound(rt60: float, drr: float) -> None:
    impulse = simulate_impulse(np.random.default_rng(0), 16000, rt60, drr)
    assert np.abs(impulse).argmax() == 0
    tail = impulse[1:].astype(np.float64)
    found = 10 * np.log10(impulse[0] ** 2 / np.sum(tail**2))
    assert found == pytest.approx(drr, abs=0.1)
    # Schroeder's backward integration, from -5 to -25 dB, extrapolated to 60 dB
    left = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] / np.sum(tail**2))
    high, low = int(np.argmax(left < -5)), int(np.argmax(left < -25))
    assert 3 * (low - high) / 16000 == pytest.approx(rt60, rel=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_words_stay_where_they_are_and_as_loud(seed: int) -> None:
    rng = np.random.default_rng(seed)
    speech = speech_like(1.0, seed)
    impulse = simulate_impulse(rng, 16000, 0.5, 0.0)
    late = np.concatenate([np.full(700, 1e-4, np.float32), -0.5 * impulse])
    for response in (impulse, late):  # a measured one begins with the way of the sound
        wet = reverberate(speech, response)
        assert wet.shape == speech.shape and wet.dtype == np.float32
        assert power(wet) == pytest.approx(power(speech), rel=1e-4)
        assert delay(wet, speech) == 0
        assert np.abs(wet - speech).max() > 0.01
    assert np.abs(reverberate(speech, late) - reverberate(speech, impulse)).max() < 1e-3


def test_equals_convolution() -> None:
    speech = speech_like(0.1)
    impulse = simulate_impulse(np.random.default_rng(0), 16000, 0.3, 5.0)
    full = np.convolve(speech.astype(np.float64), impulse)[: len(speech)]
    expected = full * np.sqrt(power(speech) / np.mean(full**2))
    assert np.abs(reverberate(speech, impulse) - expected).max() < 1e-5


def test_nothing_sounds_before_it_is_said() -> None:
    speech = np.concatenate([np.zeros(4000, np.float32), speech_like(0.5)])
    wet = reverberate(speech, simulate_impulse(np.random.default_rng(1), 16000, 0.5, 0))
    assert np.abs(wet[:3999]).max() < 1e-6


def test_an_anechoic_room_and_silence_change_nothing() -> None:
    speech = speech_like(0.3)
    assert (
        np.abs(reverberate(speech, np.array([0.7], np.float32)) - speech).max() < 1e-6
    )
    silence = np.zeros(800, np.float32)
    impulse = simulate_impulse(np.random.default_rng(0), 16000, 0.2, 0.0)
    assert np.array_equal(reverberate(silence, impulse), silence)
