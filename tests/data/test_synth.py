"""The embedded corpus: the same bytes, disjoint voices, and restartable."""

import dataclasses
import wave
from pathlib import Path

import numpy as np
import pytest

from asr.data import synth
from asr.data.synth import generate
from asr.data.synth_plan import SynthSettings
from asr.errors import RecipeError
from tests.data.synth_settings import SETTINGS


def wavs(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_a_corpus_is_made_identically_by_one_or_two_processes(tmp_path: Path) -> None:
    generate(tmp_path / "one", SETTINGS, nj=1)
    generate(tmp_path / "two", SETTINGS, nj=2)
    one = wavs(tmp_path / "one")
    assert one == wavs(tmp_path / "two")
    assert sum(name.endswith(".wav") for name in one) == 10


def test_interrupted_and_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "synth"
    generate(folder, SETTINGS, nj=1)
    before = wavs(folder)
    kept = sorted(folder.rglob("*.wav"))
    (folder / ".complete").unlink()
    for path in kept[3:]:
        path.unlink()
    (kept[5].parent / f".partial-{kept[5].name}").write_bytes(b"half")
    monkeypatch.setattr(synth, "run_in_processes", _here)
    times = [path.stat().st_mtime_ns for path in kept[:3]]
    generate(folder, SETTINGS, nj=1)
    assert wavs(folder) == before
    assert [path.stat().st_mtime_ns for path in kept[:3]] == times
    monkeypatch.setattr(synth, "_speak_all", None)  # complete: not called again
    generate(folder, SETTINGS, nj=1)


def _here(name, function, tasks, nj):  # type: ignore[no-untyped-def]
    return [(number, function(*task)) for number, task in enumerate(tasks)]


def test_other_options_replace_the_corpus(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(synth, "run_in_processes", _here)
    folder = tmp_path / "synth"
    generate(folder, SETTINGS, nj=1)
    before = wavs(folder)
    assert "removed" not in capsys.readouterr().out
    fewer = {"train": 4, "dev": 2, "test": 2}
    changed = SynthSettings(4, 16000, fewer, SETTINGS.speakers, SETTINGS.snr)
    generate(folder, changed, nj=1)
    assert f"{folder}: of other corpus.options; removed" in capsys.readouterr().out
    after = wavs(folder)
    assert sum(name.endswith(".wav") for name in after) == 8
    shared = {n for n in before.keys() & after.keys() if n.endswith(".wav")}
    assert shared and all(before[name] != after[name] for name in shared)


def test_a_folder_of_somebody_else_stays(tmp_path: Path) -> None:
    folder = tmp_path / "synth"
    folder.mkdir()
    (folder / "thesis.txt").write_text("all of it")
    with pytest.raises(RecipeError, match="not the embedded corpus.*--download-dir"):
        generate(folder, SETTINGS, nj=1)
    assert (folder / "thesis.txt").read_text() == "all of it"


def test_killed_while_it_removes_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synth, "run_in_processes", _here)
    folder = tmp_path / "synth"
    generate(folder, SETTINGS, nj=1)
    before = wavs(folder)
    changed = dataclasses.replace(SETTINGS, seed=SETTINGS.seed + 1)
    left = [".complete", "train.tsv"]  # what it gets to before it is killed

    def killed(path: Path) -> None:
        if path.name not in left:
            raise KeyboardInterrupt
        path.unlink()

    with monkeypatch.context() as patch:
        patch.setattr(synth, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            generate(folder, changed, nj=1)
    generate(folder, SETTINGS, nj=1)  # the first ones again: nothing is taken as whole
    assert wavs(folder) == before


def test_sound_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synth, "run_in_processes", _here)
    generate(tmp_path, SETTINGS, nj=1)
    for row in (tmp_path / "train.tsv").read_text().splitlines():
        id_, speaker, file, text = row.split("\t")
        assert id_.startswith(speaker) and file.endswith(f"{speaker}/{id_}.wav")
        with wave.open(str(tmp_path / file)) as sound:
            assert (sound.getframerate(), sound.getnchannels()) == (16000, 1)
            pcm = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
        assert 0.15 < len(pcm) / 16000 / len(text.split()) < 1.5
        assert 0.09 < np.abs(pcm.astype(int)).max() / 32768 < 0.6
        assert len(np.unique(pcm[:400])) > 5  # noise where speech has not begun
