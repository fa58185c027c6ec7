"""Done-markers: skipped when done, redone when anything changed."""

import dataclasses
import json
import sys
import types
from pathlib import Path

import pytest

from asr.config_load import ROOT, load_config
from asr.errors import RecipeError
from asr.job import Job, Paths
from asr.stage import Peers, Stage, run_stage
from asr.stages import STAGES

runs: list[str] = []


@pytest.fixture(autouse=True)
def fake_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    runs.clear()
    for name in ("first", "second"):
        module = types.ModuleType(f"asr.bin.{name}")
        monkeypatch.setattr(module, "run", run_of(name), raising=False)
        monkeypatch.setitem(sys.modules, f"asr.bin.{name}", module)


def run_of(name: str):  # type: ignore[no-untyped-def]
    def run(job: Job) -> None:
        runs.append(name)
        job.paths.data.mkdir(parents=True, exist_ok=True)
        (job.paths.data / name).write_text(name)

    return run


def stage(number: int, name: str, keys: tuple[str, ...], **options: object) -> Stage:
    return Stage(
        number,
        name,
        keys=keys,
        needs=("first",) if name == "second" else (),
        inputs=lambda job: [job.paths.data / "first"] if name == "second" else [],
        outputs=lambda job: [job.paths.data / name],
        marker=lambda job: job.paths.data / ".done" / f"{name}.json",
        **options,  # type: ignore[arg-type]
    )


FIRST = stage(0, "first", ("fbank",), free_keys=("fbank.shard_minutes",))
SECOND = stage(1, "second", ("lm",))
BOTH = (FIRST, SECOND)


def job(tmp_path: Path, *settings: str) -> Job:
    corpus = ROOT / "egs" / "an4"
    return Job(
        config=load_config(corpus, "conformer", settings),
        paths=Paths(tmp_path / "download", tmp_path / "data", tmp_path / "exp"),
        corpus_dir=corpus,
        nj=1,
        test_dir=None,
        decoders=(),
    )


def test_second_call_is_skipped(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:  # type: ignore[type-arg]
    assert run_stage(FIRST, job(tmp_path), BOTH)
    assert not run_stage(FIRST, job(tmp_path), BOTH)
    assert runs == ["first"]
    assert "stage 0 first: already done" in capsys.readouterr().out


def test_changed_configuration_is_redone_and_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture,  # type: ignore[type-arg]
) -> None:
    run_stage(FIRST, job(tmp_path), BOTH)
    assert run_stage(FIRST, job(tmp_path, "fbank.num_mel_bins=40"), BOTH)
    said = capsys.readouterr().out
    assert "fbank.num_mel_bins changed from 80 to 40" in said


@pytest.mark.parametrize("setting", ["lm.order=5", "fbank.shard_minutes=3"])
def test_other_keys_change_nothing(tmp_path: Path, setting: str) -> None:
    run_stage(FIRST, job(tmp_path), BOTH)
    assert not run_stage(FIRST, job(tmp_path, setting), BOTH)


def test_changed_input_is_redone(tmp_path: Path) -> None:
    for s in BOTH:
        run_stage(s, job(tmp_path), BOTH)
    (tmp_path / "data" / "first").write_text("something else")
    assert run_stage(SECOND, job(tmp_path), BOTH)


def test_lost_output_is_redone(tmp_path: Path) -> None:
    run_stage(FIRST, job(tmp_path), BOTH)
    (tmp_path / "data" / "first").unlink()
    assert run_stage(FIRST, job(tmp_path), BOTH)


def test_damaged_marker_is_not_done(tmp_path: Path) -> None:
    run_stage(FIRST, job(tmp_path), BOTH)
    (tmp_path / "data" / ".done" / "first.json").write_text('{"settings": {')
    assert run_stage(FIRST, job(tmp_path), BOTH)


def test_stage_before_its_inputs_names_the_one_to_run(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="stage 0 first is not done.*--stage 0"):
        run_stage(SECOND, job(tmp_path), BOTH)


def test_stage_after_another_configuration_is_refused(tmp_path: Path) -> None:
    run_stage(FIRST, job(tmp_path), BOTH)
    with pytest.raises(RecipeError, match="fbank.num_mel_bins changed from 80 to 40"):
        run_stage(SECOND, job(tmp_path, "fbank.num_mel_bins=40"), BOTH)


def test_later_stages_need_not_be_given_a_stages_own_keys_again(
    tmp_path: Path,
) -> None:
    first = stage(0, "first", ("fbank", "tune"), own_keys=("tune",))
    stages = (first, SECOND)
    run_stage(first, job(tmp_path, "tune.lm_weights=[0.5]"), stages)
    assert run_stage(SECOND, job(tmp_path), stages)
    with pytest.raises(RecipeError, match="fbank.num_mel_bins changed"):
        run_stage(SECOND, job(tmp_path, "fbank.num_mel_bins=40"), stages)
    assert run_stage(first, job(tmp_path), stages)  # itself is done anew
    assert {s.name: s.own_keys for s in STAGES if s.own_keys} == {"tune": ("tune",)}


def test_failed_stage_leaves_no_marker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(job: Job) -> None:
        raise RecipeError("no")

    monkeypatch.setattr(sys.modules["asr.bin.first"], "run", fail)
    changed = dataclasses.replace(job(tmp_path), nj=2)
    with pytest.raises(RecipeError):
        run_stage(FIRST, changed, BOTH)
    assert not (tmp_path / "data" / ".done" / "first.json").exists()


def test_marker_of_a_version_with_fewer_keys_still_counts(tmp_path: Path) -> None:
    train = stage(0, "first", ("train",))
    run_stage(train, job(tmp_path), (train,))
    marker = train.marker(job(tmp_path))
    content = json.loads(marker.read_text())
    del content["settings"]["train.accumulate"]
    marker.write_text(json.dumps(content))
    assert not run_stage(train, job(tmp_path), (train,))
    assert run_stage(train, job(tmp_path, "train.accumulate=2"), (train,))


def test_of_some_processes_one_writes_the_marker_after_all_have_read_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir()
    marker = FIRST.marker(job(tmp_path))
    waited: list[bool] = []
    other = Peers(writes=False, wait=lambda: waited.append(marker.exists()))
    assert run_stage(FIRST, job(tmp_path), BOTH, other)
    assert not marker.exists() and waited == [False]
    main = Peers(writes=True, wait=lambda: waited.append(marker.exists()))
    assert run_stage(FIRST, job(tmp_path), BOTH, main)
    assert marker.exists() and waited == [False, False]
    changed = job(tmp_path, "fbank.dtype=float32")
    assert run_stage(FIRST, changed, BOTH, main)
    assert waited[-1]  # it was removed only after all had seen it


def test_a_lost_input_names_the_stage_that_writes_it(tmp_path: Path) -> None:
    run_stage(FIRST, job(tmp_path), BOTH)
    (tmp_path / "data" / "first").unlink()
    with pytest.raises(RecipeError, match="first is missing; run ./run.sh --stage 0"):
        run_stage(SECOND, job(tmp_path), BOTH)
    third = dataclasses.replace(SECOND, number=2, name="third", needs=())
    with pytest.raises(RecipeError, match="stage 2 third: .*--stage 0 again"):
        run_stage(third, job(tmp_path), BOTH)


def test_a_stage_is_run_by_one_process_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []
    marker = FIRST.marker(job(tmp_path))
    run = run_of("first")

    def look(job: Job) -> None:
        held.append(marker.with_suffix(".lock").exists())
        run(job)

    monkeypatch.setattr(sys.modules["asr.bin.first"], "run", look)
    run_stage(FIRST, job(tmp_path), BOTH)
    assert held == [True]
    assert not marker.with_suffix(".lock").exists()


def test_a_key_that_a_stage_once_depended_on_is_forgotten(tmp_path: Path) -> None:
    before = stage(0, "first", ("fbank", "tokenizer.kind"))
    run_stage(before, job(tmp_path, "tokenizer.kind=char"), (before,))
    assert not run_stage(FIRST, job(tmp_path, "tokenizer.kind=phone"), BOTH)
    assert run_stage(SECOND, job(tmp_path, "tokenizer.kind=phone"), BOTH)
    assert run_stage(FIRST, job(tmp_path, "fbank.num_mel_bins=40"), BOTH)


def test_other_units_ask_for_the_stages_from_3_on() -> None:
    depend = {s.name for s in STAGES if s.depends_on("tokenizer.kind")}
    assert depend == {"tokenizer", "graph", "train"}
