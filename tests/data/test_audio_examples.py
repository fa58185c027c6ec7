"""Examples to listen to: the right files, with the right sound in them."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import CutSet, Recording, SupervisionSegment
from lhotse.cut import MonoCut

from asr.data.audio_examples import families, write_audio_examples
from asr.data.augment.copies import read_originals
from asr.data.jsonl import write_items

RATE = 16000


def test_a_family_is_an_original_and_its_copies() -> None:
    ids = ("a_1", "a_1_sp0.9", "a_1_sp0.9_aug1", "a", "a_2", "b_sp0.9")
    originals = {"a_1_sp0.9": "a_1", "a_1_sp0.9_aug1": "a_1"}
    assert families(dict.fromkeys(ids, "ONE"), originals) == {
        "a_1": ["a_1", "a_1_sp0.9", "a_1_sp0.9_aug1"],
        "a": ["a"],  # a_1 begins alike and has its text
        "a_2": ["a_2"],
        "b_sp0.9": ["b_sp0.9"],
    }


def corpus(folder: Path) -> tuple[Path, dict[str, str], dict[str, str]]:
    """Four recordings of different tones and a faster copy of each, as cuts."""
    cuts = []
    for i in range(4):
        wave = 0.5 * np.sin(2 * np.pi * 200 * (i + 1) * np.arange(RATE) / RATE)
        path = folder / f"utt{i}.wav"
        soundfile.write(str(path), wave, RATE)
        recording = Recording.from_file(path)
        segment = SupervisionSegment(f"utt{i}", f"utt{i}", 0.0, 1.0, text=f"TONE {i}")
        cut = MonoCut(f"utt{i}", 0.0, 1.0, 0, [segment], recording=recording)
        cuts += [cut, cut.perturb_speed(2.0)]
    path = folder / "train_cuts.jsonl.gz"
    write_items(CutSet.from_cuts(cuts), path)
    texts = {cut.id: cut.supervisions[0].text for cut in cuts}
    return path, texts, read_originals(path)


def test_original_and_copy_are_written(tmp_path: Path) -> None:
    cuts, texts, originals = corpus(tmp_path)
    out = tmp_path / "audio"
    options = {"number": 2, "seed": 3, "sample_rate": RATE}
    write_audio_examples(cuts, texts, originals, out, **options)  # type: ignore[arg-type]
    rows = [line.split("\t") for line in (out / "index.tsv").read_text().splitlines()]
    assert rows[0] == ["file", "id", "text"] and len(rows) == 5
    assert {row[0] for row in rows[1:]} | {"index.tsv"} == {
        p.name for p in out.iterdir()
    }
    for file, id_, text in rows[1:]:
        samples, rate = soundfile.read(str(out / file))
        number = int(id_[3])
        fast = id_.endswith("_sp2.0")
        assert file.endswith("-sp2.0.wav" if fast else "-original.wav")
        assert rate == RATE and text == f"TONE {number}"
        assert len(samples) == (RATE // 2 if fast else RATE)
        spectrum = np.abs(np.fft.rfft(samples))
        tone = spectrum.argmax() * RATE / len(samples)
        assert tone == pytest.approx(200 * (number + 1) * (2 if fast else 1), abs=4)
    write_audio_examples(cuts, texts, originals, tmp_path / "again", **options)  # type: ignore[arg-type]
    for path in out.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_audio_that_is_gone_is_said_and_harms_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cuts, texts, originals = corpus(tmp_path)
    for path in tmp_path.glob("*.wav"):
        path.unlink()
    out = tmp_path / "audio"
    write_audio_examples(
        cuts, texts, originals, out, number=1, seed=0, sample_rate=RATE
    )
    said = capsys.readouterr().out
    assert said.startswith("log: no audio examples, because ") and said.count("\n") == 1
    assert not out.exists()


def test_a_line_is_found_however_the_id_is_spelled(tmp_path: Path) -> None:
    cuts, *_ = corpus(tmp_path)
    with gzip.open(cuts, "rt") as file:
        cut = json.loads(file.readline())
    cut["id"] = 'ö"\\/1'
    with gzip.open(tmp_path / "odd.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(cut, ensure_ascii=False) + "\n")
    out = tmp_path / "audio"
    write_audio_examples(
        tmp_path / "odd.jsonl.gz",
        {cut["id"]: "TONE 0"},
        {},
        out,
        number=1,
        seed=0,
        sample_rate=RATE,
    )
    assert (out / "1-original.wav").exists()
