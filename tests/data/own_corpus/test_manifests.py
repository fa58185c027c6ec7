"""lhotse manifests as icefall keeps them."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import CutSet, Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.audio import AudioSource
from lhotse.utils import fastcopy

from asr.data.fbank import load_cut
from asr.data.manifest import prepare_split
from asr.errors import RecipeError
from asr.text.normalize import get_rule
from tests.data.own_corpus.sets import as_folder, details, read, reasons, texts
from tests.data.sounds import corpus, noise, write_sound

WORDS = {"a": "one", "b": "two", "c": "three"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    as_folder(tmp_path / "d/dev", {"dev.wav": "dev"})
    (tmp_path / "d/train").mkdir()
    return tmp_path / "d"


def test_recordings_and_supervisions(root: Path) -> None:
    recordings, supervisions = corpus(root / "sound", WORDS)
    moved = recordings.with_path_prefix("/")
    for recording in moved:
        name = Path(recording.sources[0].source).name
        recording.sources[0].source = f"sound/{name}"  # relative, as icefall's are
    moved.to_file(root / "train/x_recordings_train.jsonl.gz")
    no_b = supervisions.filter(lambda s: s.id != "b")
    no_b.to_file(root / "train/x_supervisions_train.jsonl.gz")
    cuts = CutSet.from_manifests(recordings=recordings, supervisions=supervisions)
    cuts.to_file(root / "train/x_cuts_train.jsonl.gz")
    found = read(root)["train"]
    assert texts(found) == {"a": "one", "c": "three"}
    assert reasons(found) == {"b": "no transcript"}
    assert {str(r.sources[0].source) for r in found[0]} == {
        str(root / f"sound/{name}.flac") for name in "ac"
    }


def test_cuts_with_several_supervisions(root: Path) -> None:
    recordings, _ = corpus(root / "sound", WORDS, (2.0,))
    recording = recordings["a"]
    segments = [
        SupervisionSegment("a-1", "a", 0.0, 0.5, text="one", speaker="x"),
        SupervisionSegment("a-2", "a", 0.5, 1.0, text="two", custom={"reason": "mine"}),
    ]
    whole = recording.to_cut()
    whole.supervisions = segments
    part = whole.truncate(offset=0.5, duration=1.0, preserve_id=False)
    part.id = "part"
    part.supervisions = [fastcopy(s, id=f"p{s.id}") for s in part.supervisions]
    cut_off = recordings["b"].to_cut()
    cut_off.supervisions = [SupervisionSegment("b-1", "b", 1.5, 1.0, text="beyond")]
    faster = recordings["c"].to_cut()
    faster.supervisions = [SupervisionSegment("c-1", "c", 0.0, 2.0, text="three")]
    mixed = whole.append(recordings["b"].to_cut())
    mixed.id = "mixed"
    all_cuts = [whole, part, cut_off, faster.perturb_speed(0.9), mixed]
    CutSet.from_cuts(all_cuts).to_file(root / "train/cuts.jsonl.gz")
    found = read(root)["train"]
    spans = {s.id: (s.start, s.duration) for s in found[1] if not s.custom}
    assert spans == {"a-1": (0, 0.5), "a-2": (0.5, 1.0), "pa-2": (0.5, 1.0)}
    assert {s.id: s.speaker for s in found[1]}["a-2"] == "a"
    assert reasons(found) == {
        "b-1": "bad segment",
        "c-1_sp0.9": "perturbed copy",
        "mixed": "mixed cut",
    }
    assert "went through Speed; copies are made by fbank.speeds" in details(found)


def test_numbers_come_from_the_file_and_the_channel_from_the_manifest(
    root: Path,
) -> None:
    path = write_sound(root / "two.wav", 1.0, rate=8000, channels=2)
    recording = Recording(
        "r", [AudioSource("file", [0, 1], str(path))], 16000, 17000, 17000 / 16000
    )
    said = [
        SupervisionSegment(f"r-{c}", "r", 0.0, 1.06, channel=c, text="w")
        for c in (0, 1)
    ]
    RecordingSet.from_recordings([recording]).to_file(root / "train/r.jsonl")
    SupervisionSet.from_segments(said).to_file(root / "train/s.jsonl")
    recordings, supervisions = read(root)["train"]
    assert recordings["r"].sampling_rate == 8000
    split = prepare_split("train", recordings, supervisions, get_rule("none"))
    samples = [load_cut(cut, 8000) for cut in split.cuts]
    expected = soundfile.read(str(path), dtype="float32")[0]
    for channel in (0, 1):
        np.testing.assert_array_equal(samples[channel], expected[:, channel])
    assert np.abs(samples[0] - noise(1.0, 8000)).max() < 1e-3


def test_the_channel_of_a_command_that_is_not_run(root: Path) -> None:
    """lhotse makes such manifests of Kaldi's: the command's output has one channel."""
    path = write_sound(root / "two.sph", 1.0, channels=2)
    commands = {str(c): f"sph2pipe -f wav -p -c {c} {path}" for c in (1, 2)}
    RecordingSet.from_recordings(
        Recording(id_, [AudioSource("command", [0], line)], 16000, 16000, 1.0)
        for id_, line in commands.items()
    ).to_file(root / "train/r.jsonl")
    SupervisionSet.from_segments(
        SupervisionSegment(id_, id_, 0.0, 1.0, text="w") for id_ in commands
    ).to_file(root / "train/s.jsonl")
    split = prepare_split("train", *read(root)["train"], get_rule("none"))
    samples = [load_cut(cut, 16000) for cut in split.cuts]
    expected = soundfile.read(str(path), dtype="float32")[0]
    assert len(samples) == 2
    for channel in (0, 1):
        np.testing.assert_array_equal(samples[channel], expected[:, channel])


def test_audio_that_is_not_there(root: Path) -> None:
    recordings, supervisions = corpus(root / "sound", WORDS)
    (root / "sound/b.flac").unlink()
    (root / "sound/c.flac").write_bytes(b"no sound")
    recordings.to_file(root / "train/r.jsonl.gz")
    stray = SupervisionSegment("z", "nowhere", 0.0, 1.0, text="z")
    SupervisionSet.from_segments([*supervisions, stray]).to_file(
        root / "train/s.jsonl.gz"
    )
    found = read(root)["train"]
    assert reasons(found) == {
        "b": "no audio",
        "c": "unreadable audio",
        "z": "no audio",
    }


def test_features_alone_and_files_that_are_none(root: Path) -> None:
    path = root / "train/cuts.jsonl.gz"
    path.write_bytes(b"no gzip")
    with pytest.raises(RecipeError, match="cuts.jsonl.gz: not a manifest of lhotse's"):
        read(root)
    path.unlink()
    recordings, _ = corpus(root / "sound", WORDS)
    recordings.to_file(root / "train/recordings.jsonl.gz")
    with pytest.raises(
        RecipeError, match="neither recordings and supervisions nor cuts"
    ):
        read(root)


def test_a_manifest_with_a_wrong_byte(root: Path) -> None:
    content = bytearray(gzip.compress(b"{}"))
    content[10] = 0b111  # a block of a type that there is not
    (root / "train/r.jsonl.gz").write_bytes(content)
    with pytest.raises(RecipeError, match="r.jsonl.gz: not a manifest of lhotse's"):
        read(root)


def test_hidden_files_are_no_manifests(root: Path) -> None:
    """A Mac leaves ``._name`` beside each file of an archive, on other systems."""
    recordings, supervisions = corpus(root / "sound", WORDS)
    recordings.to_file(root / "train/r.jsonl.gz")
    supervisions.to_file(root / "train/s.jsonl.gz")
    (root / "train/._r.jsonl.gz").write_bytes(b"Mac OS X")
    assert texts(read(root)["train"]) == WORDS


def test_audio_that_is_no_file(root: Path) -> None:
    recordings, supervisions = corpus(root / "sound", WORDS)
    recordings["a"].sources[0] = AudioSource("url", [0], "http://localhost/a.flac")
    recordings.to_file(root / "train/r.jsonl.gz")
    supervisions.to_file(root / "train/s.jsonl.gz")
    with pytest.raises(RecipeError, match="recording a is of type 'url', not a file"):
        read(root)


def test_ids_with_blanks_and_recordings_listed_twice(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recordings, supervisions = corpus(root / "sound", {"a": "one", "b": "two"})
    named = {"a": "u 1", "b": "e\u0301"}
    renamed = [fastcopy(r, id=named[r.id]) for r in recordings]
    told = [
        fastcopy(s, id=f"{named[s.id]} x", recording_id=named[s.recording_id])
        for s in supervisions
    ]
    RecordingSet.from_recordings(renamed).to_file(root / "train/recordings.jsonl.gz")
    again = RecordingSet.from_recordings([fastcopy(renamed[0], id="u_1")])
    again.to_file(root / "train/recordings_more.jsonl.gz")
    SupervisionSet.from_segments(told).to_file(root / "train/supervisions.jsonl.gz")
    found = read(root)["train"]
    assert texts(found) == {"u_1_x": "one", "\u00e9_x": "two"}
    assert reasons(found) == {"u_1": "duplicate id"}
    assert "ids are written without blanks here: u_1" in capsys.readouterr().out
    prepare_split("train", *found, get_rule("upper"))
