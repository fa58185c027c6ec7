"""One level: whatever the gain, the pauses and the clicks; and what it does to features."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import lhotse
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from asr.data.augment.wave_augment import WaveAugment
from asr.data.corpus import Utterance, describe
from asr.data.extract import extract_split
from asr.data.fbank import compute
from asr.data.fbank_digest import content_hash
from asr.data.level import NOTHING, active_level, to_level
from asr.data.manifest import prepare_split
from asr.data.shard_reader import ShardReader
from asr.text.normalize import get_rule
from tests.data.augment.settings import WAVE, speech_like, switched_on
from tests.data.features import SETTINGS

LEVELLED = replace(SETTINGS, level=-24.0)
Samples = NDArray[np.float32]


def tone(amplitude: float, seconds: float = 1.0, rate: int = 16000) -> Samples:
    phase = 2 * np.pi * 400 * np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(phase)).astype(np.float32)


def decibel(samples: Samples, rate: int = 16000) -> float:
    return float(20 * np.log10(active_level(samples, rate)))


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_of_a_tone_it_is_the_root_mean_square(rate: int) -> None:
    assert active_level(tone(0.3, rate=rate), rate) == pytest.approx(
        0.3 / 2**0.5, rel=1e-3
    )


CHANGES = {
    "pauses": lambda x: np.concatenate([1e-3 * tone(0.1, 9), x, np.zeros(99999, "f4")]),
    "a click": lambda x: np.where(np.arange(len(x)) // 30 == 100, np.float32(9), x),
    "an offset": lambda x: x + np.float32(0.05),
    "some noise": lambda x: x + 3e-3 * np.random.default_rng(0).normal(size=len(x)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_is_of_the_speech_alone(change: str) -> None:
    samples = np.concatenate([tone(0.1), 0.3 * tone(0.1), np.zeros(8000, np.float32)])
    changed = CHANGES[change](samples).astype(np.float32)
    assert decibel(changed) == pytest.approx(decibel(samples), abs=0.2)


@pytest.mark.parametrize("seconds", [0.001, 0.0249, 0.06, 0.5, 3.3])
def test_features_are_the_same_at_any_gain(seconds: float) -> None:
    samples = speech_like(3.3)[: round(seconds * 16000)]
    loud = compute(to_level(samples, 16000, -24.0), 16000, 80)
    exact = to_level(samples * np.float32(2**-7), 16000, -24.0)  # -42 dB: no rounding
    assert np.array_equal(compute(exact, 16000, 80), loud)
    for db in (-40, -10, 15):
        gained = to_level(samples * np.float32(10 ** (db / 20)), 16000, -24.0)
        found = compute(gained, 16000, 80)
        assert np.abs(found - loud).max(initial=0.0) < 2e-3
    assert decibel(gained) == pytest.approx(-24.0, abs=1e-3)


@pytest.mark.parametrize("length", [0, 1, 399, 16000])
@pytest.mark.parametrize("steps", [0, 1])
def test_of_silence_nothing_is_made(length: int, steps: int) -> None:
    """Zeros, or the dither of 16 bits, with a click that must not become a bang."""
    rng = np.random.default_rng(0)
    samples = (rng.integers(-1, 2, length) * steps / 32768).astype(np.float32)
    samples[length // 2 : length // 2 + 9] = 0.9
    if length > 1000:
        assert active_level(samples, 16000) < NOTHING
    levelled = to_level(samples, 16000, -24.0)
    assert np.abs(levelled).max(initial=0.0) <= 1.0
    assert np.isfinite(compute(levelled, 16000, 80)).all()


def extracted(folder: Path, samples: Samples, **changes: object) -> ShardReader:
    """Stage 2 of a training set of one utterance, the second 1 to 3 of a recording."""
    folder.mkdir()
    soundfile.write(folder / "a.wav", samples, 16000, subtype="FLOAT")
    manifests = describe([Utterance("a", folder / "a.wav", "x", "s")])
    cuts = prepare_split("train", *manifests, get_rule("upper")).cuts
    cut = next(iter(cuts)).truncate(offset=1.0, duration=2.0, preserve_id=True)
    cuts = type(cuts).from_cuts([cut])
    settings = replace(LEVELLED, **changes)  # type: ignore[arg-type]
    extract_split(cuts, "train", folder / "fbank", settings, nj=1)
    return ShardReader(folder / "fbank" / "train_index.tsv")


def test_stage_2_levels_each_cut_before_it_is_augmented(tmp_path: Path) -> None:
    samples = np.concatenate([tone(0.9), speech_like(2.0), tone(0.9)])
    config = switched_on(replace(WAVE, copies=1), "gain", min_db=-20.0, max_db=-20.0)
    augment = WaveAugment(config, 16000)
    loud = extracted(tmp_path / "loud", samples, speeds=(0.9, 1.0), augment=augment)
    quiet = extracted(
        tmp_path / "quiet", samples / 128, speeds=(0.9, 1.0), augment=augment
    )
    for id_ in ("a", "a_sp0.9", "a_aug1", "a_sp0.9_aug1"):
        assert np.array_equal(quiet.read(id_), loud.read(id_)), id_
    alone = compute(to_level(samples[16000:48000], 16000, -24.0), 16000, 80)
    assert np.abs(loud.read("a") - alone).max() < 1e-5
    loudest = alone > np.quantile(alone, 0.9)
    down = (loud.read("a_aug1") - alone)[loudest]
    assert down.mean() == pytest.approx(-20 * np.log(10) / 10, abs=0.02)


def test_features_without_a_level_are_known_again() -> None:
    """By the hash that the settings had before there were levels."""
    before = {"sample_rate": 16000, "num_mel_bins": 80, "dtype": "float32"}
    before |= {"speeds": [1.0], "shard_minutes": SETTINGS.shard_minutes}
    said = json.dumps(before, sort_keys=True) + lhotse.__version__
    assert content_hash([], SETTINGS) == hashlib.sha256(said.encode()).hexdigest()
    assert content_hash([], LEVELLED) != content_hash([], SETTINGS)
