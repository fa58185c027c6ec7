"""The configuration of augmentation: off by default, and wrong values are one line."""

from pathlib import Path

import pytest

from asr.config_load import ROOT, load_config
from asr.config_tree import flatten
from asr.errors import UsageError


def test_everything_new_is_off_by_default(tmp_path: Path) -> None:
    """Of a corpus that says nothing about it."""
    (tmp_path / "corpus.yaml").write_text("corpus: {test_sets: [test]}\n")
    config = load_config(tmp_path, "conformer", [])
    flat = flatten(config)
    switches = {k: v for k, v in flat.items() if k.endswith(".enabled")}
    assert len(switches) == 10
    assert [k for k, on in switches.items() if on] == ["train.spec_augment.enabled"]
    assert config.fbank.augment.active_copies == 0
    assert config.train.spec_augment.probability == 1.0
    assert config.train.spec_augment.time_warp == 0


def test_one_switch_makes_copies() -> None:
    settings = ["fbank.augment.gain.enabled=true", "fbank.augment.copies=3"]
    config = load_config(ROOT / "egs/an4", "conformer", settings)
    assert config.fbank.augment.active_copies == 3


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("fbank.augment.noise.probability=1.5", "from 0 to 1"),
        ("train.augment.vtlp.probability=-0.1", "from 0 to 1"),
        ("fbank.augment.noise.min_snr=99", "above max_snr"),
        ("train.augment.band_limit.max_hz=10", "above max_hz"),
        ("fbank.augment.noise.min_snr=.nan", "finite"),
        ("fbank.augment.codec.formats=[mp4]", "known are mp3, opus, vorbis"),
        ("fbank.augment.codec.formats=[]", "at least one"),
        ("fbank.augment.reverb.min_rt60=0", "above 0 seconds"),
        ("fbank.augment.copies=-1", "0 or more"),
        ("train.augment.vtlp.max_factor=9", "from 0.5 to 2"),
        ("fbank.augment.pitch.max_semitones=40", "octave"),
    ],
)
def test_wrong_values(setting: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_config(ROOT / "egs/an4", "conformer", [setting])
    key = setting.partition("=")[0].rpartition(".")[0]
    assert str(caught.value).startswith(key)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_noise_needs_a_folder() -> None:
    settings = ["fbank.augment.noise.enabled=true", "fbank.augment.noise.folder=null"]
    with pytest.raises(UsageError, match="fbank.augment.noise.enabled is true"):
        load_config(ROOT / "egs/an4", "conformer", settings)
