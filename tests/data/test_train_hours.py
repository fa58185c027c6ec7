"""A part of the training set: nested, of the wanted length, spread over speakers."""

import hashlib
import random
from pathlib import Path

import pytest
from lhotse import CutSet, RecordingSet, SupervisionSegment, SupervisionSet

from asr.bin.manifests import _check_hours
from asr.config_load import ROOT, load_config
from asr.data.manifest import Split, prepare_split
from asr.data.manifest_filter import TrainLimits, words_needed
from asr.data.manifest_report import summary
from asr.data.train_hours import take_hours
from asr.errors import UsageError
from asr.text.normalize import get_rule
from tests.data.sounds import corpus

UPPER = get_rule("upper")


def speech(speakers: int = 40, each: int = 25) -> list[SupervisionSegment]:
    """In the order of ids, so of speakers; lengths from 2 to 20 s."""
    lengths = random.Random(5)
    return [
        SupervisionSegment(
            f"spk{s:02}-{n:03}", "rec", 0.0, lengths.uniform(2, 20), speaker=f"{s}"
        )
        for s in range(speakers)
        for n in range(each)
    ]


def ids(segments: list[SupervisionSegment]) -> list[str]:
    return [segment.id for segment in segments]


def seconds(segments: list[SupervisionSegment]) -> float:
    return sum(segment.duration for segment in segments)


def test_fewer_hours_are_a_subset_of_more() -> None:
    everything = speech()
    smaller: set[str] = set()
    for hours in (0.01, 0.1, 0.5, 1.0, 2.0, 2.9):
        kept, rest = take_hours(everything, hours)
        assert smaller < set(ids(kept))
        assert sorted(ids(kept) + ids(rest)) == ids(everything)
        assert ids(kept) == sorted(ids(kept)) and ids(rest) == sorted(ids(rest))
        smaller = set(ids(kept))


@pytest.mark.parametrize("hours", [0.001, 0.3, 1.0, 2.5])
def test_so_many_hours_within_one_utterance(hours: float) -> None:
    kept, _ = take_hours(speech(), hours)
    assert 3600 * hours <= seconds(kept) < 3600 * hours + 20


def test_only_the_ids_decide() -> None:
    """Neither the order of what is there, nor what else is there, nor Python's hash."""
    everything = speech()
    mixed = random.Random(1).sample(everything, len(everything))
    assert set(ids(take_hours(mixed, 1)[0])) == set(ids(take_hours(everything, 1)[0]))
    first = min(everything, key=lambda s: hashlib.sha256(s.id.encode()).hexdigest())
    assert ids(take_hours(everything, 1e-6)[0]) == [first.id]
    kept = take_hours(everything, 1)[0]
    assert take_hours(kept, 1)[0] == kept


def test_a_tenth_is_spread_over_the_speakers() -> None:
    everything = speech()
    kept, _ = take_hours(everything, 0.1 * seconds(everything) / 3600)
    assert len({segment.speaker for segment in kept}) > 30
    assert len(kept) == pytest.approx(100, abs=10)


def test_nothing_is_left_out_by_default_or_where_there_is_less() -> None:
    for hours in (0, 1000):
        assert take_hours(speech(), hours) == (speech(), [])


def part(folder: Path, hours: float) -> Split:
    made = corpus(folder, {f"{s}-{n}": "word" for s in "abcd" for n in range(3)})
    return prepare_split("train", *made, UPPER, limits(hours))


def limits(hours: float) -> TrainLimits:
    return TrainLimits(0.2, 20.0, lambda frames: frames, words_needed, hours)


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    split = part(tmp_path, 4.5 / 3600)
    assert len(split.supervisions) == len(split.cuts) == len(split.recordings) == 5
    reasons = {d.id: (d.split, d.reason, d.detail) for d in split.dropped}
    assert len(reasons) == 7 and not {s.id for s in split.supervisions} & set(reasons)
    assert set(reasons.values()) == {("train", "beyond train_hours", "1.00 s")}
    assert summary(split).endswith("; dropped: 7 beyond train_hours")


def test_more_than_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    split = Split("train", RecordingSet(), SupervisionSet(), CutSet(), ())
    _check_hours(split, 0.0)
    assert capsys.readouterr().out == ""
    _check_hours(split, 2.0)
    assert "manifest.train_hours=2: train has 0.00 h in all" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["-1", ".inf", ".nan", "some"])
def test_values_that_make_no_sense(value: str) -> None:
    with pytest.raises(UsageError, match="train_hours"):
        load_config(ROOT / "egs/an4", "tdnnf", [f"manifest.train_hours={value}"])
