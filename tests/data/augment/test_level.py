"""Gain and noise: the levels that were asked for."""

import numpy as np
import pytest

from asr.data.augment.level import add_noise, change_gain, to_16_bits
from tests.data.augment.settings import power, speech_like


@pytest.mark.parametrize("snr", [-5.0, 0.0, 10.0, 30.0])
@pytest.mark.parametrize("length", [500, 16000, 70000])
def test_snr_is_what_was_asked_for(snr: float, length: int) -> None:
    speech = speech_like(1.5)
    noise = np.random.default_rng(1).normal(scale=0.02, size=length).astype(np.float32)
    mixed = add_noise(speech, noise, snr, np.random.default_rng(2))
    assert len(mixed) == len(speech) and mixed.dtype == np.float32
    added = mixed.astype(np.float64) - speech
    found = 10 * np.log10(power(speech) / np.mean(added**2))
    assert found == pytest.approx(snr, abs=0.01)


def test_a_clip_that_is_mostly_silent_is_heard_every_time() -> None:
    bark = np.zeros(80000, np.float32)
    bark[30000:32000] = np.random.default_rng(0).normal(size=2000)
    places = []
    for seed in range(20):
        speech = speech_like(0.5)
        mixed = add_noise(speech, bark, 0.0, np.random.default_rng(seed))
        added = mixed - speech
        assert power(added) == pytest.approx(power(speech), rel=1e-3)
        places.append(int(np.flatnonzero(added)[0]))
    assert len(set(places)) > 10  # not always in the same place


def test_silence_stays_silent() -> None:
    silence = np.zeros(1000, np.float32)
    noise = np.ones(10, np.float32)
    assert not add_noise(silence, noise, 10.0, np.random.default_rng(0)).any()


def test_gain_in_decibel() -> None:
    speech = speech_like()
    assert np.array_equal(change_gain(speech, 0.0), speech)
    louder = change_gain(speech, 6.0)
    assert 10 * np.log10(power(louder) / power(speech)) == pytest.approx(6.0, abs=1e-4)


def test_16_bits_round_and_clip() -> None:
    given = np.array([0.0, 0.4 / 32768, 0.6 / 32768, -2.0, 1.0, 0.5], np.float32)
    expected = [0.0, 0.0, 1 / 32768, -1.0, 32767 / 32768, 0.5]
    assert to_16_bits(given).tolist() == expected
