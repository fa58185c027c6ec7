"""Augmented copies through stage 2: valid manifests, no matter how they are made."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lhotse
import numpy as np
import pytest
from lhotse import CutSet

from asr.data.augment.copies import all_copies, copy_of, read_originals
from asr.data.augment.sounds import find_sounds
from asr.data.augment.wave_augment import WaveAugment
from asr.data.corpus import Utterance, describe
from asr.data.extract import extract_split
from asr.data.fbank import FbankSettings, compute, plan
from asr.data.fbank_digest import content_hash
from asr.data.jsonl import read_cuts
from asr.data.manifest import prepare_split
from asr.data.shard_reader import ShardReader
from asr.errors import RecipeError
from asr.text.normalize import get_rule
from asr.text.transcripts import read_transcripts
from tests.data.augment.settings import WAVE, switched_on
from tests.data.features import SETTINGS, TEXTS
from tests.data.sounds import write_sound


def settings(folder: Path, **changes: object) -> FbankSettings:
    for i in range(3):
        if not (folder / f"{i}.wav").exists():
            write_sound(folder / f"{i}.wav", 1.5, rate=22050, seed=50 + i)
    config = switched_on(WAVE, "noise", "gain", "reverb", probability=0.7)
    config = replace(config, **changes)
    sounds = find_sounds(folder, "noise")
    return replace(SETTINGS, augment=WaveAugment(config, 16000, sounds))


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (folder / "train").iterdir()}


def test_copies_follow_the_originals(cuts: CutSet) -> None:
    ids = [cut.id for cut in all_copies(cuts, (0.9, 1.0), 2)]
    names = sorted(TEXTS)
    speeds = [f"{n}_sp0.9" for n in names] + names
    assert ids == [
        *speeds,
        *(f"{s}_aug1" for s in speeds),
        *(f"{s}_aug2" for s in speeds),
    ]
    copy = list(all_copies(cuts, (0.9, 1.0), 1))[14]
    assert copy_of(copy) == ("a-0_sp0.9", 1)
    assert copy.supervisions[0].id == "a-0_sp0.9_aug1"
    assert copy_of(next(iter(cuts))) is None


def test_ids_that_look_like_copies(tmp_path: Path) -> None:
    """They stay originals, and copies that would be called so have other names."""
    names = ("a", "a_sp0.9", "a_aug1", "a_sp0.9_aug1", "b_sp1.1", "sp0.9-c", "d_aug7")
    rng = np.random.default_rng(0)
    spoken = []
    for name in names:
        path = write_sound(tmp_path / f"{name}.wav", 0.5, seed=int(rng.integers(99)))
        spoken.append(Utterance(name, path, f"said {name}", "s"))
    cuts = prepare_split("train", *describe(spoken), get_rule("none")).cuts
    wanted = replace(settings(tmp_path / "noise", copies=1), speeds=(0.9, 1.0))
    extract_split(cuts, "train", tmp_path / "fbank", wanted, nj=1)
    made = read_cuts(tmp_path / "fbank/train_cuts.jsonl.gz")
    lhotse.validate(made, read_data=True)
    texts = read_transcripts(tmp_path / "fbank/train_cuts.jsonl.gz")
    originals = read_originals(tmp_path / "fbank/train_cuts.jsonl.gz")
    assert len(texts) == 4 * len(names) and set(names) == texts.keys() - originals
    for name in names:
        assert texts[name] == f"said {name}"
        copies = [id_ for id_, original in originals.items() if original == name]
        assert len(copies) == 3
        assert {texts[id_] for id_ in copies} == {f"said {name}"}
    assert originals["a_sp0.9_2"] == originals["a_sp0.9_2_aug1"] == "a"
    assert {s.id for cut in made for s in cut.supervisions} == texts.keys()


def test_no_utterance_is_lost_and_all_is_valid(cuts: CutSet, tmp_path: Path) -> None:
    wanted = settings(tmp_path / "noise")
    extract_split(cuts, "train", tmp_path / "fbank", wanted, nj=1)
    made = read_cuts(tmp_path / "fbank/train_cuts.jsonl.gz")
    lhotse.validate(made, read_data=True)
    expected = {f"{id_}{suffix}" for id_ in TEXTS for suffix in ("", "_aug1", "_aug2")}
    assert {cut.id for cut in made} == expected
    reader = ShardReader(tmp_path / "fbank/train_index.tsv")
    assert set(reader.ids) == expected
    for cut in made:
        features = cut.load_features()
        assert np.array_equal(features, reader.read(cut.id))
        assert np.isfinite(features).all()
        original = compute(cut.load_audio()[0], 16000, 80)
        assert features.shape == original.shape
        assert copy_of(cut) or np.abs(features - original).max() < 1e-4
    texts = read_transcripts(tmp_path / "fbank/train_cuts.jsonl.gz")
    assert set(texts) == expected and set(texts.values()) == {"X"}


def test_same_features_by_any_number_of_processes_and_in_any_order(
    cuts: CutSet, tmp_path: Path
) -> None:
    wanted = settings(tmp_path / "noise")
    for name, nj in (("one", 1), ("two", 2)):
        extract_split(cuts, "train", tmp_path / name, wanted, nj)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    backwards = CutSet.from_cuts(list(cuts)[::-1])
    extract_split(backwards, "train", tmp_path / "back", wanted, nj=1)
    one, back = (ShardReader(tmp_path / n / "train_index.tsv") for n in ("one", "back"))
    assert all(np.array_equal(one.read(id_), back.read(id_)) for id_ in one.ids)


def test_a_copy_is_what_augmenting_its_audio_gives(
    cuts: CutSet, tmp_path: Path
) -> None:
    wanted = settings(tmp_path / "noise")
    assert wanted.augment is not None
    extract_split(cuts, "train", tmp_path / "fbank", wanted, nj=1)
    reader = ShardReader(tmp_path / "fbank/train_index.tsv")
    changed = 0
    for cut in cuts:
        samples = cut.load_audio()[0]
        for copy in (1, 2):
            expected = compute(wanted.augment(samples, cut.id, copy), 16000, 80)
            # not to the bit: the number of torch's threads changes the last ones
            found = reader.read(f"{cut.id}_aug{copy}")
            assert np.abs(found - expected).max() < 1e-4
            changed += np.abs(found - reader.read(cut.id)).max() > 0.1
    assert changed > 10


def test_audio_of_another_rate(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 1.0, rate=22050)
    manifests = describe([Utterance("a", path, "x", "s")])
    cuts = prepare_split("train", *manifests, get_rule("upper")).cuts
    wanted = settings(tmp_path / "noise")
    extract_split(cuts, "train", tmp_path / "fbank", wanted, nj=1)
    made = read_cuts(tmp_path / "fbank/train_cuts.jsonl.gz")
    lhotse.validate(made, read_data=True)
    assert made["a_aug2"].load_features().shape == (100, 80)


Change = Callable[[Path], FbankSettings]
CHANGES: dict[str, Change] = {
    "seed": lambda folder: settings(folder, seed=4),
    "copies": lambda folder: settings(folder, copies=1),
    "range": lambda folder: settings(folder, gain=replace(WAVE.gain, min_db=-13.0)),
    "other noise": lambda folder: settings(
        write_sound(folder / "1.wav", 1.5, rate=22050, seed=9).parent
    ),
    "more noise": lambda folder: settings(write_sound(folder / "9.wav").parent),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_content_hash_covers_settings_and_noise(
    cuts: CutSet, tmp_path: Path, change: str
) -> None:
    def digest(wanted: FbankSettings) -> str:
        return content_hash(plan(cuts, wanted), wanted)

    before = digest(settings(tmp_path / "noise"))
    os.rename(tmp_path / "noise", tmp_path / "elsewhere")
    assert digest(settings(tmp_path / "elsewhere")) == before
    assert digest(CHANGES[change](tmp_path / "elsewhere")) != before


def test_switched_off_is_as_if_it_were_not_there(cuts: CutSet, tmp_path: Path) -> None:
    off = replace(SETTINGS, augment=WaveAugment(WAVE, 16000))
    assert [c.id for shard in plan(cuts, off) for c in shard] == sorted(TEXTS)
    planned = plan(cuts, SETTINGS)
    assert content_hash(planned, off) == content_hash(planned, SETTINGS)


def test_noise_that_is_damaged_later_is_named(cuts: CutSet, tmp_path: Path) -> None:
    wanted = settings(tmp_path / "noise")
    for path in (tmp_path / "noise").iterdir():
        path.write_bytes(b"x")
    with pytest.raises(RecipeError, match=r"noise/\d.wav: cannot be read") as caught:
        extract_split(cuts, "train", tmp_path / "fbank", wanted, nj=1)
    assert "\n" not in str(caught.value)
