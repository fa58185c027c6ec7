"""Copies of waveforms: decided by seed, id and number alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.data.augment.wave_augment import WaveAugment, generator
from tests.data.augment.settings import WAVE, power, speech_like, switched_on
from tests.data.sounds import write_sound

PARTS = ("pitch", "reverb", "noise", "gain", "band_limit", "codec")
EXPECTED = 475492739


def augment(folder: Path, *parts: str, probability: float = 1.0) -> WaveAugment:
    noises = (write_sound(folder / "a.wav", 0.3), write_sound(folder / "b.wav", 2.0))
    config = switched_on(WAVE, *parts, probability=probability)
    return WaveAugment(config, 16000, noises)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_changes_the_sound_but_not_its_length(
    tmp_path: Path, part: str
) -> None:
    speech = speech_like()
    changed = augment(tmp_path, part)(speech, "a", 1)
    assert changed.shape == speech.shape and changed.dtype == np.float32
    assert np.abs(changed - speech).max() > 0.01
    assert np.array_equal(changed * 32768, np.rint(changed * 32768))  # a 16-bit file's
    again = augment(tmp_path, part)(speech, "a", 1)
    assert np.array_equal(changed, again)
    others = [augment(tmp_path, part)(speech, str(i), 1) for i in range(4)]
    assert any(not np.array_equal(other, changed) for other in others)


@pytest.mark.parametrize("part", ["gain", "reverb"])
@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_probabilities_are_respected(
    tmp_path: Path, part: str, probability: float
) -> None:
    speech = speech_like(0.05)
    made = augment(tmp_path, part, probability=probability)
    changed = sum(made(speech, str(i), 1) is not speech for i in range(300))
    assert abs(changed - 300 * probability) <= (30 if probability == 0.3 else 0)


def test_one_switch_does_not_change_what_another_does(tmp_path: Path) -> None:
    speech = speech_like(0.3)
    gain = augment(tmp_path, "gain")
    config = switched_on(gain.config, "pitch", "codec", probability=0.0)
    both = replace(gain, config=config)
    assert np.array_equal(gain(speech, "a", 1), both(speech, "a", 1))


def test_values_fill_the_range(tmp_path: Path) -> None:
    speech, made = speech_like(0.05), augment(tmp_path, "gain")
    levels = [
        10 * np.log10(power(made(speech, str(i), 1)) / power(speech))
        for i in range(200)
    ]
    assert -12.1 < min(levels) < -11 and -7 < max(levels) < -5.9
    assert np.mean(levels) == pytest.approx(-9, abs=0.4)


def test_measured_rooms_are_used_where_there_are_some(tmp_path: Path) -> None:
    room = np.array([0.0, 1.0, 0.0, 0.5], np.float32)
    soundfile.write(tmp_path / "room.wav", room, 16000, "FLOAT")
    made = replace(augment(tmp_path, "reverb"), impulses=(tmp_path / "room.wav",))
    speech = speech_like(0.1)
    wet = speech.copy()
    wet[2:] += 0.5 * speech[:-2]
    wet *= np.sqrt(power(speech) / power(wet))
    assert np.abs(made(speech, "a", 1) - wet).max() < 1e-4


def test_random_numbers_are_fixed_for_ever() -> None:
    """Written down once: features made earlier must stay what would be made now."""
    assert generator(42, "a", 1, "noise").integers(1 << 30) == EXPECTED
    others = [(43, "a", 1, "noise"), (42, "b", 1, "noise"), (42, "a", 2, "noise")]
    others.append((42, "a", 1, "gain"))
    assert EXPECTED not in [generator(*key).integers(1 << 30) for key in others]
