"""Audio outside of a set's folder: found, and noticed when it changes."""

import gzip
import os
from pathlib import Path

import pytest

from asr.__main__ import main
from asr.data.own_corpus.named import files_elsewhere
from tests.data.own_corpus.sets import as_folder, as_kaldi, recipe_options
from tests.data.sounds import corpus, write_sound


def names(folder: Path) -> list[str]:
    return [Path(path).name for path in files_elsewhere(folder)]


def test_tables_name_files_and_commands(tmp_path: Path) -> None:
    for name in ("sound/a.wav", "sound/b b.wav", "train/c.wav", "sound/d.wav"):
        write_sound(tmp_path / "d" / name, 0.1)
    wavs = f"a {tmp_path}/d/sound/a.wav\nb\tsound/b b.wav\nc c.wav\n"
    wavs += "d cat sound/d.wav - |\nx nowhere.wav\nalone\n\ny a\0b\n"
    folder = as_kaldi(tmp_path / "d/train", wav_scp=wavs)
    assert names(folder) == ["a.wav", "b b.wav", "d.wav"]
    (folder / "wav.scp").write_bytes(wavs.replace("\0", "").encode("utf-16"))
    assert names(folder) == ["a.wav", "b b.wav", "d.wav"]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_manifests_name_files(tmp_path: Path, suffix: str) -> None:
    recordings, _ = corpus(tmp_path / "söund", {"a": "one", "b": "two"})
    (tmp_path / "train").mkdir()
    recordings.to_file(tmp_path / f"train/recordings{suffix}")
    assert names(tmp_path / "train") == ["a.flac", "b.flac"]


def test_nothing_and_damage_name_nothing(tmp_path: Path) -> None:
    assert files_elsewhere(tmp_path / "none") == []
    whole = gzip.compress(b'{"source": "x"}' * 99)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[:-20])
    (tmp_path / "no.jsonl.gz").write_bytes(b"plain")
    (tmp_path / "odd.jsonl").write_bytes(b'{"source": "\\ud800"} {"source": 3}\xff')
    assert files_elsewhere(tmp_path) == []


def test_changed_audio_elsewhere_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = tmp_path / "elsewhere/a.wav"
    write_sound(sound, 0.5)
    as_kaldi(tmp_path / "dl/train", wav_scp=f"a {sound}\n", text="a one\n")
    as_folder(tmp_path / "dl/dev", {"dev.wav": "dev"})
    options = recipe_options(tmp_path, "fbank.speeds=[1.0] corpus.test_sets=[]")
    for verb in ("download", "manifests", "fbank", "manifests"):
        assert main([verb, *options]) == 0
    assert "stage 1 manifests: already done" in capsys.readouterr().out
    write_sound(sound, 0.5, seed=9)  # as long as it was
    os.utime(sound, ns=(0, 1))
    for verb in ("manifests", "fbank"):
        assert main([verb, *options]) == 0
        said = capsys.readouterr().out
        assert "done again, because own files changed (1 other content: a.wav)" in said
