"""How far the extraction is: told from within the shards, by all processes."""

from pathlib import Path

import pytest
from lhotse import CutSet

from asr.data import extract
from asr.data.fbank import extract_shard, plan, shard_name
from asr.data.fbank_progress import ExtractionProgress
from tests.data.features import SETTINGS

HALF_AN_HOUR = 1800.0


def test_a_line_counts_what_is_done_of_unfinished_shards(
    cuts: CutSet, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = plan(cuts.repeat(2000), SETTINGS)
    progress = ExtractionProgress("train", planned, range(len(planned)))
    progress.tick(HALF_AN_HOUR)
    progress.tick(HALF_AN_HOUR)
    progress.show()
    assert "fbank train: 1.00 of 3.89 h, 0 of 7000 shards" in capsys.readouterr().out


@pytest.mark.parametrize("nj", [1, 2])
def test_every_process_counts_what_was_not_there_before(
    cuts: CutSet, tmp_path: Path, nj: int
) -> None:
    planned = plan(cuts, SETTINGS)
    assert extract_shard(planned[0], tmp_path / shard_name(0), SETTINGS) == []
    todo = list(range(1, len(planned)))
    progress = ExtractionProgress("train", planned, todo)
    tasks: list[extract.Task] = [
        (planned[n], tmp_path / shard_name(n), SETTINGS) for n in todo
    ]
    assert {n for n, _ in extract._run(todo, tasks, nj, progress)} == set(todo)
    left = sum(cut.duration for shard in planned[1:] for cut in shard)
    assert progress.seconds.value == pytest.approx(left)
