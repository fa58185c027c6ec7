"""Extraction of a split: in order, restartable, the same by any number of processes."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import lhotse
import numpy as np
import pytest
import soundfile
from lhotse import CutSet
from numpy.typing import NDArray

from asr.atomic import remove
from asr.config_load import ROOT
from asr.data import extract
from asr.data.audio import read_audio
from asr.data.corpus import Utterance, describe
from asr.data.extract import extract_split
from asr.data.fbank import compute
from asr.data.jsonl import read_cuts, write_items
from asr.data.manifest import prepare_split
from asr.data.shard_reader import ShardReader
from asr.errors import RecipeError
from asr.text.normalize import get_rule
from tests.data.features import SETTINGS, TEXTS, kaldi
from tests.data.sounds import write_sound


def files(folder: Path) -> dict[str, bytes]:
    """Content of everything that stage 2 leaves, hidden files too."""
    found = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in found}


def test_features_of_every_cut(cuts: CutSet, tmp_path: Path) -> None:
    extract_split(cuts, "train", tmp_path / "fbank", SETTINGS, nj=1)
    reader = ShardReader(tmp_path / "fbank/train_index.tsv")
    assert reader.ids == sorted(TEXTS)
    for cut in cuts:
        expected = kaldi(cut.load_audio()[0])
        assert np.abs(reader.read(cut.id) - expected).max() < 2e-3
        assert reader.num_frames(cut.id) == len(expected) == cut.duration * 100


def test_same_files_by_one_or_two_processes(cuts: CutSet, tmp_path: Path) -> None:
    for name, nj in (("one", 1), ("two", 2)):
        os.utime(tmp_path / "audio/a-0.flac", (nj, nj))
        extract_split(cuts, "train", tmp_path / name / "fbank", SETTINGS, nj)
    one, two = files(tmp_path / "one/fbank"), files(tmp_path / "two/fbank")
    assert one.keys() == two.keys()
    assert len(one) == 4 + 3  # shards; hash, index, cuts
    different = [name for name in one if one[name] != two[name]]
    assert different == ["train_cuts.jsonl.gz"]  # names its folder


def test_speed_copies(cuts: CutSet, tmp_path: Path) -> None:
    settings = replace(SETTINGS, speeds=(0.9, 1.0, 1.1))
    extract_split(cuts, "train", tmp_path / "fbank", settings, nj=1)
    reader = ShardReader(tmp_path / "fbank/train_index.tsv")
    assert len(reader) == 21
    assert reader.num_frames("a-0_sp0.9") == 111
    assert reader.num_frames("a-0_sp1.1") == 91
    copies = read_cuts(tmp_path / "fbank/train_cuts.jsonl.gz")
    lhotse.validate(copies)
    assert copies["a-0_sp1.1"].supervisions[0].text == "X"


@pytest.mark.parametrize("speed", [0.9, 1.1])
def test_a_speed_copy_is_the_faster_sound(tmp_path: Path, speed: float) -> None:
    def tone(hertz: float) -> NDArray[np.float32]:
        phase = 2 * np.pi * hertz * np.arange(16000) / 16000
        return (0.5 * np.sin(phase)).astype(np.float32)

    soundfile.write(tmp_path / "a.wav", tone(2000), 16000)
    manifests = describe([Utterance("a", tmp_path / "a.wav", "x", "s")])
    cuts = prepare_split("train", *manifests, get_rule("upper")).cuts
    settings = replace(SETTINGS, speeds=(speed,))
    extract_split(cuts, "train", tmp_path / "fbank", settings, nj=1)
    copy = ShardReader(tmp_path / "fbank/train_index.tsv").read(f"a_sp{speed}")
    expected = compute(tone(2000 * speed), 16000, 80)
    loud = expected[40].argsort()[-5:]
    assert np.abs(copy[40, loud] - expected[40, loud]).max() < 0.05


def test_other_rates_and_channels(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 1.0, rate=44100, channels=2)
    manifests = describe([Utterance("a", path, "x", "s")])
    cuts = prepare_split("dev", *manifests, get_rule("upper")).cuts
    extract_split(cuts, "dev", tmp_path / "fbank", SETTINGS, nj=1)
    expected = compute(read_audio(path, 16000), 16000, 80)
    features = ShardReader(tmp_path / "fbank/dev_index.tsv").read("a")
    assert features.shape == expected.shape == (100, 80)
    assert np.abs(features - expected).max() < 0.02
    lhotse.validate(read_cuts(tmp_path / "fbank/dev_cuts.jsonl.gz"), read_data=True)


def test_a_second_run_extracts_nothing(
    cuts: CutSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract_split(cuts, "train", tmp_path / "fbank", SETTINGS, nj=1)
    before = files(tmp_path / "fbank")
    monkeypatch.setattr(extract, "extract_shard", None)
    (tmp_path / "fbank/train_index.tsv").unlink()
    extract_split(cuts, "train", tmp_path / "fbank", SETTINGS, nj=1)
    assert files(tmp_path / "fbank") == before


@pytest.mark.parametrize("damage", ["missing", "short"])
def test_damaged_shards_are_made_again(
    cuts: CutSet, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "fbank"
    extract_split(cuts, "train", folder, SETTINGS, nj=1)
    before = files(folder)
    if damage == "missing":
        (folder / "train/shard-0001.h5").unlink()
    else:
        os.truncate(folder / "train/shard-0001.h5", 3000)
    with pytest.raises(RecipeError, match="shard-0001.h5.*run stage 2"):
        ShardReader(folder / "train_index.tsv")
    extract_split(cuts, "train", folder, SETTINGS, nj=1)
    assert files(folder) == before


def test_changed_settings_or_audio_extract_again(cuts: CutSet, tmp_path: Path) -> None:
    folder = tmp_path / "fbank"
    extract_split(cuts, "train", folder, SETTINGS, nj=1)
    old = files(folder)["train/shard-0000.h5"]
    extract_split(cuts, "train", folder, replace(SETTINGS, num_mel_bins=40), nj=1)
    assert ShardReader(folder / "train_index.tsv").read("a-0").shape == (100, 40)
    write_sound(tmp_path / "audio/a-1.flac", 1.3, seed=99)
    extract_split(cuts, "train", folder, SETTINGS, nj=1)
    assert files(folder)["train/shard-0000.h5"] != old
    assert not list(folder.glob(".partial*"))


KILLED = """
import sys, time
from pathlib import Path
from asr.data import fbank
from asr.data.extract import extract_split
from asr.data.jsonl import read_cuts
from tests.data.features import SETTINGS

original = fbank.compute

def slow(*arguments):
    time.sleep(0.1)
    return original(*arguments)

fbank.compute = slow
extract_split(
    read_cuts(Path(sys.argv[1])), "train", Path(sys.argv[2]), SETTINGS, nj=1
)
"""


def test_killed_and_repeated_gives_the_same_files(cuts: CutSet, tmp_path: Path) -> None:
    folder = tmp_path / "fbank"
    extract_split(cuts, "train", folder, SETTINGS, nj=1)
    undisturbed = files(folder)
    remove(folder)
    write_items(cuts, tmp_path / "cuts.jsonl.gz")
    arguments = [str(tmp_path / "cuts.jsonl.gz"), str(folder)]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments], cwd=ROOT)
    try:
        deadline = time.monotonic() + 60
        while not (done := list(folder.glob(".partial-train-*/shard-0001.h5"))):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert not (folder / "train").exists()
    kept = done[0].stat().st_mtime_ns
    extract_split(cuts, "train", folder, SETTINGS, nj=1)
    assert files(folder) == undisturbed
    assert (folder / "train/shard-0001.h5").stat().st_mtime_ns == kept


def test_unreadable_audio_is_named_and_the_rest_is_kept(
    cuts: CutSet, tmp_path: Path
) -> None:
    audio = tmp_path / "audio"
    good = (audio / "a-2.flac").read_bytes()
    (audio / "a-2.flac").write_bytes(good[: len(good) // 2])
    (audio / "a-5.flac").unlink()
    with pytest.raises(RecipeError, match=r"2 files of train cannot .*a-2.*a-5") as e:
        extract_split(cuts, "train", tmp_path / "fbank", SETTINGS, nj=1)
    assert "\n" not in str(e.value)
    done = sorted(p.name for p in tmp_path.glob("fbank/.partial-*/*"))
    assert done == ["shard-0000.h5", "shard-0003.h5"]
    assert not (tmp_path / "fbank/train_index.tsv").exists()


def _die(*arguments: object) -> list[str]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def test_dead_worker_is_a_clear_error(
    cuts: CutSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract, "_extract_counted", _die)
    with pytest.raises(RecipeError, match="worker process died.*same command again"):
        extract_split(cuts, "train", tmp_path / "fbank", SETTINGS, nj=2)
