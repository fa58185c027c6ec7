"""Recordings as stage 1 describes them and stage 2 hears them: of their true length."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import Recording, RecordingSet, SupervisionSegment, SupervisionSet

from asr.data.audio import read_audio
from asr.data.audio_store import AudioStore, put_right
from asr.data.channels import only_channel
from asr.data.corpus import Manifests, Utterance, describe
from asr.data.extract import extract_split
from asr.data.fbank import compute, load_cut
from asr.data.manifest import prepare_split
from asr.data.manifest_report import summary, write_dropped
from asr.data.shard_reader import ShardReader
from asr.errors import RecipeError
from asr.text.normalize import get_rule
from tests.data.features import SETTINGS
from tests.data.own_corpus.sets import as_folder, as_kaldi, read, reasons
from tests.data.sounds import encode, voice, write_sound
from tests.data.strange_files import (
    BY_FFMPEG,
    BY_PARTS,
    IN_PLACE,
    ONE,
    REFUSED,
    TOGETHER,
    TWO,
    likeness,
)

ALL = {**IN_PLACE, **BY_PARTS, **BY_FFMPEG, **TOGETHER}


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A set of all the files; id by name."""
    root = tmp_path_factory.mktemp("strange")
    as_folder(root / "d/dev", {"dev.wav": "dev"})
    as_folder(root / "d/test", {"test.wav": "test"})
    train = as_folder(root / "d/train", {})
    made = {**ALL, **{name: make for name, (_, make) in REFUSED.items()}}
    ids = {}
    (train / "audio").mkdir()
    for number, (name, make) in enumerate(made.items()):
        (root / "new").mkdir(exist_ok=True)
        path = make(root / "new")
        ids[name] = f"{number:02d}"
        path.rename(train / f"audio/{number:02d}{path.suffix.upper()}")
        (train / f"transcriptions/{number:02d}.txt").write_text("a word")
    return root, ids


@pytest.fixture(scope="module")
def found(strange: tuple[Path, dict[str, str]]) -> Manifests:
    return read(strange[0] / "d", "test")


def test_every_length_is_true(
    strange: tuple[Path, dict[str, str]], found: Manifests
) -> None:
    """Of what lhotse reads, and of what the same file is by ``--test-dir``."""
    root, ids = strange
    recordings = {r.id: r for r in found["train"][0]}
    for name in ALL:
        recording = recordings[ids[name]]
        source = str(recording.sources[0].source)
        there = len(soundfile.read(source)[0])
        assert recording.num_samples == there == recording.load_audio().shape[1], name
        assert (source.startswith(str(root / "d/train"))) == (name in IN_PLACE), name
        (original,) = (root / "d/train/audio").glob(f"{ids[name]}.*")
        alone = read_audio(original, 16000)
        heard = read_audio(Path(source), 16000)
        assert len(alone) == len(heard) and np.abs(alone - heard).max() < 2e-4, name
    durations = {s.id: s.duration for s in found["train"][1]}
    for name in TOGETHER:
        assert durations[ids[name]] > 1.75, name


def test_stage_2_hears_all_of_it(
    strange: tuple[Path, dict[str, str]], found: Manifests, tmp_path: Path
) -> None:
    root, ids = strange
    train = prepare_split("train", *found["train"], get_rule("upper"))
    extract_split(train.cuts, "train", tmp_path, SETTINGS, nj=1)
    reader = ShardReader(tmp_path / "train_index.tsv")
    assert len(reader) == len(ALL)
    for name in ("32000 pipe", "VBR without header", "wav of stale size", "m4a"):
        (original,) = (root / "d/train/audio").glob(f"{ids[name]}.*")
        expected = compute(read_audio(original, 16000), 16000, 80)
        features = reader.read(ids[name])
        assert features.shape == expected.shape, name
        # FLAC has 16 bits.
        assert np.abs(features - expected)[expected > -10].max() < 0.1, name
    for name in TOGETHER:
        samples = load_cut(train.cuts[ids[name]], 16000)
        assert min(likeness(ONE, samples)[0], likeness(TWO, samples)[0]) > 0.93, name


def test_what_is_broken_is_dropped_with_its_reason(
    strange: tuple[Path, dict[str, str]], found: Manifests
) -> None:
    _, ids = strange
    assert reasons(found["train"]) == {ids[n]: "unreadable audio" for n in REFUSED}
    said = {s.id: s.custom["detail"] for s in found["train"][1] if s.custom}
    for name, (words, _) in REFUSED.items():
        assert words in said[ids[name]] and f"{ids[name]}." in said[ids[name]]


def test_what_was_assumed_is_told_once(
    strange: tuple[Path, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    root, ids = strange
    for _ in range(2):  # the second time nothing is converted
        read(root / "d", "test")
        said = capsys.readouterr().out
        name = ids["wav of stale size"]
        assert said.count("its header promises fewer samples than follow it") == 1
        assert f"train/audio/{name}.WAV: its header promises" in said


def with_nan(path: Path, value: float = np.nan) -> Path:
    samples = voice(1.0)
    samples[8000] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, 16000, "FLOAT")
    return path


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_no_numbers_in_stage_1(tmp_path: Path, value: float) -> None:
    path = with_nan(tmp_path / "bad.wav", value)
    write_sound(tmp_path / "good.wav")
    both = [Utterance(n, tmp_path / f"{n}.wav", "a word", "s") for n in ("bad", "good")]
    split = prepare_split("test", *describe(both), get_rule("upper"))
    write_dropped(split.dropped, tmp_path / "dropped.tsv")
    reason = f"unreadable audio\t{path}: holds samples that are not numbers (NaN or "
    assert (
        reason + "infinite), the first at 0.50 s\n"
        in (tmp_path / "dropped.tsv").read_text()
    )
    assert "WARNING: test is not complete, it lacks: bad (unreadable" in summary(split)


def test_no_numbers_in_stage_2(tmp_path: Path) -> None:
    """The file has changed since."""
    path = write_sound(tmp_path / "a.wav")
    manifests = describe([Utterance("a", path, "a word", "s")])
    cuts = prepare_split("train", *manifests, get_rule("upper")).cuts
    with_nan(path)
    with pytest.raises(RecipeError, match=r"a.wav: holds samples that .* in a; repair"):
        extract_split(cuts, "train", tmp_path / "fbank", SETTINGS, nj=1)


def opposite(path: Path, seconds: float = 1.0) -> Path:
    both = np.stack([0.75 * voice(seconds), -voice(seconds)], axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, both, 16000)
    return path


def test_channels_that_cancel_each_other_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In each form; a channel that is named is the one."""
    root = tmp_path / "d"
    folder = as_folder(root / "train", {"mono.wav": "one"})
    for name in ("a", "b"):
        opposite(folder / f"audio/{name}.wav")
        (folder / f"transcriptions/{name}.txt").write_text("two")
    as_kaldi(
        root / "dev",
        wav_scp=f"k {opposite(tmp_path / 'k.wav')}\nn sph2pipe -c 1 {tmp_path}/k.wav |\n",
        text="k all\nk1 one\nn named\n",
        segments="k k 0 1\nk1 k 0 1 0\nn n 0 1\n",
    )
    opposite(tmp_path / "l.wav")
    (root / "test").mkdir()
    recording = Recording.from_file(tmp_path / "l.wav", "l")
    said = SupervisionSegment("l", "l", 0.0, 1.0, channel=[0, 1], text="all")
    RecordingSet.from_recordings([recording]).to_file(root / "test/r.jsonl.gz")
    SupervisionSet.from_segments([said]).to_file(root / "test/s.jsonl.gz")
    found = read(root, "test")
    channels = {s.id: only_channel(s) for n in found for s in found[n][1]}
    assert channels == {"a": 1, "b": 1, "mono": None, "k": 1, "k1": 0, "n": 0, "l": 1}
    for name in found:
        cuts = prepare_split(name, *found[name], get_rule("upper")).cuts
        for cut in cuts.filter(lambda cut: channels[cut.id] is not None):
            peak = np.abs(load_cut(cut, 16000)).max() / np.abs(voice(1.0)).max()
            assert peak == pytest.approx(0.75 if channels[cut.id] == 0 else 1, abs=0.01)
    lines = [x for x in capsys.readouterr().out.splitlines() if "cancel" in x]
    ends = ("a.wav and 1 others", "k.wav", "l.wav")
    assert len(lines) == 3
    for line, end in zip(lines, ends, strict=True):
        assert f"{end}: its channels cancel each other out" in line
        assert line.endswith("channel 2 alone is taken")


def test_what_a_recipe_of_lhotse_s_says_is_put_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its lengths are those of headers; segments of them keep their place."""
    makes = {
        "cbr": IN_PLACE["32000 pipe"],
        "vbr": BY_PARTS["VBR without header"],
        "joined": TOGETHER["opus"],
    }
    makes |= {
        "broken": REFUSED["half a wav"][1],
        "flac": lambda f: write_sound(f / "a.flac"),
    }
    recordings, segments = [], []
    for id_, make in makes.items():
        (tmp_path / id_).mkdir()
        recording = Recording.from_file(make(tmp_path / id_), id_)
        recordings.append(recording)
        segments.append(SupervisionSegment(id_, id_, 0, recording.duration, text="a"))
    segments.append(SupervisionSegment("part", "joined", 0.2, 0.5, text="b"))
    before = {r.id: r.duration for r in recordings}
    after, said = put_right(
        "train",
        RecordingSet.from_recordings(recordings),
        SupervisionSet.from_segments(segments),
        tmp_path / "work",
    )
    split = prepare_split("train", after, said, get_rule("upper"))
    assert [d.id for d in split.dropped] == ["broken"]
    lengths = {c.id: c.duration for c in split.cuts}
    assert before["cbr"] > lengths["cbr"] == pytest.approx(1.044)
    assert before["vbr"] < 0.7 and lengths["vbr"] == pytest.approx(1.0, abs=0.03)
    assert before["joined"] == 1.0 and lengths["joined"] == pytest.approx(1.8)
    assert lengths["flac"] == 1.0 and lengths["part"] == 0.5
    for cut in split.cuts:
        assert len(load_cut(cut, 16000)) == round(cut.duration * 16000)
    assert capsys.readouterr().out == ""


def test_segments_of_an_mp3_begin_as_they_should(tmp_path: Path) -> None:
    path = encode(voice(4.0), tmp_path / "a.mp3", "-ar", "48000", "-q:a", "5")
    folder = as_kaldi(
        tmp_path / "d/train",
        wav_scp=f"r {path}\n",
        text="a one\nb two\n",
        segments="a r 0.3 1.3\nb r 2.5 3.5\n",
    )
    as_folder(folder.parent / "dev", {"4.wav": "four"})
    cuts = prepare_split("train", *read(folder.parent)["train"], get_rule("upper")).cuts
    whole = soundfile.read(path, dtype="float32")[0]
    for cut in cuts:
        begin = round(cut.start * 48000)
        assert np.abs(load_cut(cut, 48000) - whole[begin : begin + 48000]).max() < 1e-5


def test_channels_in_several_files(tmp_path: Path) -> None:
    """Of one length but for what lhotse lets pass."""
    paths = [
        write_sound(tmp_path / f"{n}.wav", s, seed=n) for n, s in enumerate((1, 0.99))
    ]
    one, two = (Recording.from_file(path, "r") for path in paths)
    sources = [*one.sources, *two.sources]
    sources[1].channels = [1]
    both = Recording("r", sources, 16000, 9, 9 / 16000, channel_ids=[0, 1])
    found = AudioStore("train", None).describe_all(both, paths)
    assert found.num_samples == 16000 and found.channel_ids == [0, 1]
    assert found.load_audio().shape == (2, 16000)
    write_sound(paths[1], 0.5)
    with pytest.raises(RecipeError, match=r"1.wav: differ in length by 0.50 s"):
        AudioStore("train", None).describe_all(both, paths)


def test_what_has_to_be_converted_needs_a_folder(tmp_path: Path) -> None:
    path = BY_FFMPEG["m4a"](tmp_path)
    recordings, (segment,) = describe([Utterance("a", path, "x", "s")])
    assert (
        not len(recordings) and "give describe() a folder" in segment.custom["problem"]
    )
    (recording,), _ = describe([Utterance("a", path, "x", "s")], tmp_path / "work")
    assert recording.num_samples == pytest.approx(16000, abs=1100)
