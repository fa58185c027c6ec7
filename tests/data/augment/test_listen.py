"""Features made audible: the sound has about those features again."""

import numpy as np
import pytest

from asr.data.augment.listen import to_audio
from asr.data.fbank import compute
from tests.data.augment.settings import speech_like


def test_the_sound_has_the_features_it_was_made_of() -> None:
    features = compute(speech_like(1.0), 16000, 80)
    sound = to_audio(features, 16000)
    assert sound.shape == (16000,)
    again = compute(sound, 16000, 80)
    # the spectra's level may differ, their shape hardly
    difference = again - features
    assert np.abs(difference - np.median(difference)).mean() < 0.5
    assert np.corrcoef(again.ravel(), features.ravel())[0, 1] > 0.94


@pytest.mark.parametrize("decibel", [-12.0, 6.0])
def test_levels_are_kept(decibel: float) -> None:
    features = compute(speech_like(0.3), 16000, 80)
    one = to_audio(features, 16000)
    two = to_audio(features + np.float32(decibel * np.log(10) / 10), 16000)
    assert 20 * np.log10(two.std() / one.std()) == pytest.approx(decibel, abs=0.1)
