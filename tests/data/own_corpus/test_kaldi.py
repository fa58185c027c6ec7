"""Kaldi data directories."""

import shutil
import unicodedata
from pathlib import Path

import lhotse
import pytest

from asr.__main__ import main
from asr.data.jsonl import read_cuts
from asr.data.shard_reader import ShardReader
from asr.errors import RecipeError
from tests.data.own_corpus.sets import (
    as_folder,
    as_kaldi,
    details,
    read,
    reasons,
    recipe_options,
    texts,
)
from tests.data.sounds import write_sound


@pytest.fixture
def root(tmp_path: Path) -> Path:
    as_folder(tmp_path / "d/dev", {"dev.wav": "dev"})
    for name in "abc":
        write_sound(tmp_path / f"d/sound/{name}.wav", 1.0, channels=2)
    return tmp_path / "d"


def test_whole_files_with_relative_and_absolute_paths(root: Path) -> None:
    wavs = f"a sound/a.wav\nb  {root}/sound/b.wav\nc ../sound/c.wav\n"
    said = "a Grüße \t aus  Köln\nb two\nc\n"
    as_kaldi(root / "train", wav_scp=wavs, text=said, utt2spk="a x\nb x\nc y\n")
    recordings, supervisions = read(root)["train"]
    assert {s.id: s.text for s in supervisions} == {
        "a": "Grüße \t aus  Köln",
        "b": "two",
        "c": "",
    }
    assert {s.id: s.speaker for s in supervisions} == {"a": "x", "b": "x", "c": "y"}
    assert {Path(r.sources[0].source).resolve().name for r in recordings} == {
        "a.wav",
        "b.wav",
        "c.wav",
    }


def test_names_that_no_file_can_have(root: Path) -> None:
    long = "x" * 300
    wavs = f"a sound/a.wav\nb {long}.wav\nc cat {long}.wav -x |\n"
    as_kaldi(root / "train", wav_scp=wavs, text="a one\nb two\nc three\n")
    found = read(root)["train"]
    assert texts(found) == {"a": "one"}
    assert reasons(found) == {"b": "no audio", "c": "unreadable audio"}


def test_segments(root: Path) -> None:
    segments = (
        "a-1 a 0 0.25\na-2 a 0.25 -1\na-3 a 0.5 1.4\na-4 a 0.5 1.6\na-5 a 1.0 1.2\n"
        "a-6 a 0.1 0.6 1\na-7 a 0.1 0.6 2\nx-1 x 0 1\nb-1 b 0.5 0.4\n"
    )
    ids = [line.split()[0] for line in segments.splitlines()]
    as_kaldi(
        root / "train",
        wav_scp="a sound/a.wav\nb sound/b.wav\nc sound/c.wav\n",
        segments=segments,
        text="".join(f"{id_} words\n" for id_ in ids) + "z-1 nowhere\n",
    )
    found = read(root)["train"]
    spans = {s.id: (s.start, s.duration, s.channel) for s in found[1] if not s.custom}
    assert spans == {"a-1": (0, 0.25, 0), "a-2": (0.25, 0.75, 0), "a-3": (0.5, 0.5, 0)}
    (one,) = (s for s in found[1] if s.id == "a-6")
    assert one.channel == 1 and one.custom == {"one_channel": True}
    assert one.speaker == "a"
    assert reasons(found) == {
        "a-4": "bad segment",
        "a-5": "bad segment",
        "a-7": "bad segment",
        "b-1": "bad segment",
        "x-1": "no audio",
        "z-1": "no audio",
    }
    assert "from 0.5 to 1.6 s of a, which has 1.00 s" in details(found)
    assert "channel 2 (from 0) of a recording of 2" in details(found)


def split_in_two(root: Path, train: str, dev: str) -> None:
    """Two sets out of the same recording, with these segments of it."""
    shutil.rmtree(root / "dev")
    for name, segments in (("train", train), ("dev", dev)):
        as_kaldi(
            root / name,
            wav_scp="a sound/a.wav\nb sound/b.wav\n",
            segments=segments,
            text="".join(f"{line.split()[0]} w\n" for line in segments.splitlines()),
        )


@pytest.mark.parametrize(
    ("train", "dev"),
    [
        ("a-1 a 0 0.5\n", "a-2 a 0.5 1\n"),
        ("a-1 a 0 0.2\na-2 a 0.4 0.5\n", "a-3 a 0.2 0.4\na-4 a 0.5 1\n"),
        ("a-1 a 0 0.5 0\n", "a-2 a 0 0.5 1\n"),
        ("a-1 a 0 1\n", "b-1 b 0 1\n"),
    ],
)
def test_sets_may_share_a_long_recording(root: Path, train: str, dev: str) -> None:
    split_in_two(root, train, dev)
    found = read(root)
    for name, segments in (("train", train), ("dev", dev)):
        ids = {line.split()[0] for line in segments.splitlines()}
        assert texts(found[name]).keys() == ids


@pytest.mark.parametrize(
    ("train", "dev"),
    [
        ("a-1 a 0 0.5\n", "a-2 a 0.49 1\n"),
        ("a-1 a 0 0.5 1\n", "a-2 a 0.2 0.5 1\n"),
        ("a-1 a 0 0.5\n", "a-2 a 0 0.5 1\n"),
    ],
)
def test_sets_may_not_share_what_is_said(root: Path, train: str, dev: str) -> None:
    split_in_two(root, train, dev)
    with pytest.raises(RecipeError, match="train and dev have the same recording"):
        read(root)


def test_what_is_missing_or_there_twice(root: Path) -> None:
    wavs = "a sound/a.wav\nb sound/nowhere.wav\nc sound/c.wav\na sound/b.wav\n"
    as_kaldi(root / "train", wav_scp=wavs, text="a one\na two\nb gone\nd lost\n")
    found = read(root)["train"]
    assert texts(found) == {"a": "one"}
    aside = [(s.id, s.custom["reason"]) for s in found[1] if s.custom]
    assert sorted(aside) == [
        ("a", "duplicate id"),
        ("a", "duplicate id"),
        ("b", "no audio"),
        ("c", "no transcript"),
        ("d", "no audio"),
    ]
    assert "text, line 2: already in line 1, which counts" in details(found)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"wav_scp": "a sound/a.wav\n"}, "train/text: no such file; a Kaldi data"),
        ({"wav_scp": "a\n", "text": "a b\n"}, "wav.scp, line 1: nothing follows 'a'"),
        (
            {"wav_scp": "a sound/raw.ark:17\n", "text": "a b\n"},
            "raw.ark:17 lies in an archive; write the audio out",
        ),
        (
            {"wav_scp": "a sound/a.wav\n", "text": "a b\n", "segments": "a a 0 x\n"},
            "segments: 'a a 0 x' is not '<utterance> <recording> <start> <end>'",
        ),
    ],
)
def test_tables_that_are_none(root: Path, tables: dict[str, str], message: str) -> None:
    as_kaldi(root / "train", **tables)
    with pytest.raises(RecipeError, match=message):
        read(root)


def test_text_that_is_not_utf_8(root: Path) -> None:
    as_kaldi(root / "train", wav_scp="a sound/a.wav\n")
    (root / "train/text").write_bytes("b x\na café\n".encode("latin-1"))
    with pytest.raises(RecipeError, match="text, line 2: is not UTF-8 .* read 'café'"):
        read(root)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_tables_of_other_programs(
    root: Path, capsys: pytest.CaptureFixture[str], encoding: str, end: str
) -> None:
    """The same ids with accents in one piece or in two, and so the files' names."""
    pieces = unicodedata.normalize("NFD", "\u00e9")
    (root / "sound/c.wav").rename(root / f"sound/{pieces}.wav")
    tables = {
        "wav.scp": ["a sound/a.wav", "\u00e9 sound/\u00e9.wav"],
        "segments": ["a-1 a 0 0.5", f"\u00e9-1 {pieces} 0 0.5"],
        "text": ["a-1 one \u0436", f"{pieces}-1 two"],
        "utt2spk": ["a-1 x", f"{pieces}-1 y", "a-1 z"],
    }
    (root / "train").mkdir()
    for name, lines in tables.items():
        content = "".join(line + end for line in lines)
        (root / "train" / name).write_bytes(content.encode(encoding))
    found = read(root)["train"]
    assert texts(found) == {"a-1": "one \u0436", "\u00e9-1": "two"}
    assert {s.id: s.speaker for s in found[1]} == {"a-1": "x", "\u00e9-1": "y"}
    said = capsys.readouterr().out
    assert "utt2spk, line 3: already in line 1, which counts" in said
    assumed = "text: read as UTF-16 without a byte-order mark (little-endian)"
    assert (assumed in said) == (encoding == "utf-16-le")


def test_ids_of_all_kinds_reach_the_features(root: Path) -> None:
    ids = [
        "-a",
        "a/b/1",
        "a/c",
        "\u00e9\U0001f600",
        "x" * 300,
        "a_sp0.9",
        "%s{}$(id)",
        "#0",
    ]
    for name in ("train", "dev"):
        as_kaldi(
            root / name,
            wav_scp="".join(f"{name}{i} ../sound/a.wav\n" for i in ids),
            text="".join(f"{name}{i} words\n" for i in ids),
        )
    shutil.copy(root / "sound/b.wav", root / "dev/a.wav")  # else they share it
    scp = (root / "dev/wav.scp").read_text().replace("../sound/a.wav", "a.wav")
    (root / "dev/wav.scp").write_text(scp)
    root.rename(root.parent / "dl")
    settings = "corpus.test_sets=[] fbank.speeds=[0.9,1.0]"
    options = recipe_options(root.parent, settings)
    for verb in ("download", "manifests", "fbank"):
        assert main([verb, *options]) == 0
    cuts = read_cuts(root.parent / "d/fbank/train_cuts.jsonl.gz")
    lhotse.validate(cuts, read_data=True)
    expected = {f"train{i}{copy}" for i in ids for copy in ("", "_sp0.9")}
    assert {cut.id for cut in cuts} == expected
    reader = ShardReader(root.parent / "d/fbank/train_index.tsv")
    assert set(reader.ids) == expected and all(len(reader.read(i)) for i in expected)
