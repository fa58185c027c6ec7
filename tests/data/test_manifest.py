"""Manifests: what is kept, what is dropped and why."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import lhotse
import pytest
from lhotse import RecordingSet, SupervisionSet

from asr.data.corpus import Utterance, describe
from asr.data.jsonl import read_cuts, write_items
from asr.data.manifest import Split, prepare_split, write_split
from asr.data.manifest_filter import TrainLimits, is_crowded, words_needed
from asr.data.manifest_report import summary, write_dropped
from asr.errors import RecipeError
from asr.text.normalize import get_rule
from tests.data.sounds import corpus, write_sound

UPPER = get_rule("upper")


def limits(
    output_frames: Callable[[int], int] = lambda frames: frames,
    frames_needed: Callable[[str], int] = words_needed,
) -> TrainLimits:
    return TrainLimits(0.2, 2.0, output_frames, frames_needed)


def reasons(split: Split) -> dict[str, str]:
    return {d.id: d.reason for d in split.dropped}


def test_clean_split(tmp_path: Path) -> None:
    split = prepare_split(
        "train", *corpus(tmp_path, {"b-2": "Hi!", "a-1": "one  two"}), UPPER, limits()
    )
    assert [cut.id for cut in split.cuts] == ["a-1", "b-2"]
    assert [s.text for s in split.supervisions] == ["ONE TWO", "HI"]
    assert split.dropped == ()
    assert summary(split) == "train: 2 utterances, 0.00 h, 3 words, 2 speakers"
    cut = next(iter(split.cuts))
    assert cut.supervisions[0].text == "ONE TWO" and cut.load_audio().shape == (
        1,
        16000,
    )


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[RecordingSet, SupervisionSet]:
    """Every kind of bad utterance, beside two good ones."""
    (tmp_path / "garbage.flac").write_bytes(b"this is no sound" * 100)
    files = {
        "good": write_sound(tmp_path / "good.flac"),
        "good-2": write_sound(tmp_path / "good2.wav", channels=2, rate=8000),
        "missing": tmp_path / "missing.flac",
        "garbage": tmp_path / "garbage.flac",
        "empty": write_sound(tmp_path / "empty.wav", 0.0),
        "silent": write_sound(tmp_path / "silent.flac"),
        "short": write_sound(tmp_path / "short.flac", 0.1),
        "long": write_sound(tmp_path / "long.flac", 2.5),
        "dense": write_sound(tmp_path / "dense.flac", 0.3),
    }
    texts: dict[str, str | None] = dict.fromkeys(files, "some words here")
    texts["silent"] = "?!"
    texts["dense"] = "a b c d e f g h i j k l m n o p"
    texts["untold"] = None
    files["untold"] = write_sound(tmp_path / "untold.flac")
    return describe(Utterance(i, files[i], texts[i], "s") for i in texts)


def test_every_reason(damaged: tuple[RecordingSet, SupervisionSet]) -> None:
    split = prepare_split("train", *damaged, UPPER, limits(lambda n: n // 4))
    assert [s.id for s in split.supervisions] == ["good", "good-2"]
    assert reasons(split) == {
        "missing": "no audio",
        "garbage": "unreadable audio",
        "empty": "unreadable audio",
        "silent": "no text",
        "short": "too short",
        "long": "too long",
        "dense": "impossible for CTC",
        "untold": "no transcript",
    }
    details = {d.id: d.detail for d in split.dropped}
    assert details["dense"] == "7 output frames, at least 16 are needed"
    assert details["empty"].endswith("empty.wav: has no samples")
    assert "garbage.flac" in details["garbage"]
    assert "dropped: 1 impossible for CTC, 1 no audio" in summary(split)


def test_a_text_too_long_to_be_said_is_noticed(tmp_path: Path) -> None:
    texts = {"a": "few words", "b": "so many words that nobody says them in a second"}
    wanted = limits(lambda frames: frames // 4)
    split = prepare_split("train", *corpus(tmp_path, texts), UPPER, wanted)
    crowded = [s.id for s in split.supervisions if is_crowded(s, wanted)]
    assert crowded == ["b"] and split.dropped == ()


def test_test_sets_keep_all_that_can_be_scored(
    damaged: tuple[RecordingSet, SupervisionSet],
) -> None:
    split = prepare_split("test", *damaged, UPPER)
    kept = [s.id for s in split.supervisions]
    assert kept == ["dense", "good", "good-2", "long", "short"]
    assert "WARNING: test is not complete, it lacks: empty (unread" in summary(split)


def test_report_of_the_dropped(
    damaged: tuple[RecordingSet, SupervisionSet], tmp_path: Path
) -> None:
    split = prepare_split("train", *damaged, UPPER, limits())
    write_dropped(split.dropped, tmp_path / "dropped.tsv")
    rows = (tmp_path / "dropped.tsv").read_text().splitlines()
    assert rows[0] == "split\tid\treason\tdetail"
    assert len(rows) == 1 + len(split.dropped)
    assert all(row.count("\t") == 3 for row in rows)


def test_nothing_left(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no utterance of dev .*1 no text.*a: noth"):
        prepare_split("dev", *corpus(tmp_path, {"a": "..."}), UPPER)
    with pytest.raises(RecipeError, match="none found"):
        prepare_split("dev", *corpus(tmp_path, {}), UPPER)


def test_repeated_id(tmp_path: Path) -> None:
    recordings, supervisions = corpus(tmp_path, {"a": "x", "b": "y"})
    twice = SupervisionSet.from_segments([*supervisions, *supervisions])
    with pytest.raises(RecipeError, match=r"2 ids more than once \(a, b\)"):
        prepare_split("train", recordings, twice, UPPER, limits())


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["a b", "c"], r"1 ids with blanks, or empty \(a b\)"),
        (["", "c"], r"1 ids with blanks, or empty"),
        (["e\u0301"], r"1 ids with blanks, or empty"),
        (["/a", "b/./c", "d//e", "f/..", "g/"], r"5 ids that are no relative paths"),
        (["a", "a/b"], r"1 ids that begin another one before its / \(a\)"),
    ],
)
def test_ids_that_files_could_not_hold(
    tmp_path: Path, ids: list[str], said: str
) -> None:
    path = write_sound(tmp_path / "a.wav")
    manifests = describe(Utterance(id_, path, "one", "s") for id_ in ids)
    with pytest.raises(RecipeError, match=said):
        prepare_split("train", *manifests, UPPER, limits())


def test_segments_of_one_recording(tmp_path: Path) -> None:
    recordings, supervisions = corpus(tmp_path, {"talk": "one two three"})
    whole = next(iter(supervisions))
    parts = [whole.trim(0.4), whole.trim(0.9, start=0.4)]
    for number, part in enumerate(parts):
        part.id = f"talk-{number}"
    split = prepare_split("dev", recordings, SupervisionSet.from_segments(parts), UPPER)
    cuts = list(split.cuts)
    assert [(c.id, c.start, c.duration) for c in cuts] == [
        ("talk-0", 0.0, 0.4),
        ("talk-1", 0.4, 0.5),
    ]
    assert cuts[1].load_audio().shape == (1, 8000)


def test_files_are_lhotse_s_and_the_same_every_time(tmp_path: Path) -> None:
    split = prepare_split("dev", *corpus(tmp_path, {"b": "x", "a": "y"}), UPPER)
    contents = []
    for run in ("one", "two"):
        kinds = ("recordings", "supervisions", "cuts")
        paths = {kind: tmp_path / run / f"dev_{kind}.jsonl.gz" for kind in kinds}
        write_split(split, paths)
        contents.append([path.read_bytes() for path in paths.values()])
    assert contents[0] == contents[1]
    assert lhotse.load_manifest(paths["cuts"]) == split.cuts
    assert lhotse.load_manifest(paths["recordings"]) == split.recordings
    assert lhotse.load_manifest(paths["supervisions"]) == split.supervisions
    lines = gzip.decompress(paths["cuts"].read_bytes()).splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["a", "b"]


def test_damaged_and_missing_manifests(tmp_path: Path) -> None:
    split = prepare_split("dev", *corpus(tmp_path, {"a": "y"}), UPPER)
    path = tmp_path / "cuts.jsonl.gz"
    write_items(split.cuts, path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RecipeError, match="cuts.jsonl.gz: damaged"):
        read_cuts(path)
    with pytest.raises(RecipeError, match="run stages 1"):
        read_cuts(tmp_path / "no.jsonl.gz")
