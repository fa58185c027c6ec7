"""A corpus's set as a user's folder."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from asr.data.user_folder import load_user_folder
from asr.errors import RecipeError
from asr.text.normalize import upper
from benchmarks.set_folder import lay_out
from tests.data.sounds import noise, write_sound


def cut(id_: str, source: Path, start: float, seconds: float, whole: float) -> Any:
    """As lhotse writes a MonoCut."""
    sources = [{"type": "file", "channels": [0], "source": str(source)}]
    recording = {"sources": sources, "sampling_rate": 16000, "duration": whole}
    return {
        "id": id_,
        "start": start,
        "duration": seconds,
        "channel": 0,
        "supervisions": [{"text": f"text of {id_[0]}"}],
        "recording": recording,
    }


def write_cuts(path: Path, cuts: list[Any]) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(c) + "\n" for c in cuts)
    return path


def test_whole_recordings_are_linked_and_parts_written(tmp_path: Path) -> None:
    one = write_sound(tmp_path / "corpus" / "1.flac", 1.0)
    long = write_sound(tmp_path / "corpus" / "long.wav", 3.0, seed=1)
    rows = [
        cut("a-1", one, 0.0, 1.0, 1.0),
        cut("b/2", long, 0.5, 1.25, 3.0),
        cut("b-3", long, 2.0, 1.0, 3.0),
    ]
    folder = tmp_path / "set"
    made = lay_out(write_cuts(tmp_path / "c.jsonl.gz", rows), folder)
    assert made == (3, 3.25)
    assert (folder / "audio" / "a-1.flac").resolve() == one
    part, rate = soundfile.read(folder / "audio" / "b_2.flac", dtype="float32")
    assert rate == 16000
    assert np.abs(part - noise(3.0, seed=1)[8000:28000]).max() < 2**-14
    found = load_user_folder(folder, upper)
    assert found.failures == {} and found.notes == ()
    assert {f.id: f.text for f in found.files} == {
        "a-1": "TEXT OF A",
        "b_2": "TEXT OF B",
        "b-3": "TEXT OF B",
    }


def test_every_second_cut_and_no_folder_twice(tmp_path: Path) -> None:
    one = write_sound(tmp_path / "1.flac", 1.0)
    rows = [cut(str(k), one, 0.0, 1.0, 1.0) for k in range(5)]
    cuts = write_cuts(tmp_path / "c.jsonl.gz", rows)
    assert lay_out(cuts, tmp_path / "set", every=2)[0] == 3
    names = sorted(path.name for path in (tmp_path / "set" / "audio").iterdir())
    assert names == ["0.flac", "2.flac", "4.flac"]
    with pytest.raises(RecipeError, match="there already"):
        lay_out(cuts, tmp_path / "set")


def test_changed_speed_is_refused_and_nothing_left(tmp_path: Path) -> None:
    row = cut("a", write_sound(tmp_path / "1.flac", 1.0), 0.0, 1.0, 1.0)
    row["recording"]["transforms"] = [{"name": "Speed", "kwargs": {"factor": 0.9}}]
    with pytest.raises(RecipeError, match="cut a: not a plain part"):
        lay_out(write_cuts(tmp_path / "c.jsonl.gz", [row]), tmp_path / "set")
    assert not (tmp_path / "set").exists()
