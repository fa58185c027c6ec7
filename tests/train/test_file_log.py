"""The local log: complete, the same after a kill, and without effect on training."""

import dataclasses
import itertools
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from asr.config import TrainConfig
from asr.data.dataset import Batch
from asr.train.cpu_clock import CpuClock
from asr.train.file_log import Speed
from asr.train.group import Group
from asr.train.loop import Trainer
from asr.train.metrics import MetricsFile, read_metrics
from tests.train.logs import content, records, toy_log
from tests.train.toy import toy_config, toy_trainer


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


class KilledError(Exception):
    """Stands for SIGKILL."""


def logged_trainer(folder: Path, name: str, config: TrainConfig) -> Trainer:
    trainer = toy_trainer(folder, folder / name / "checkpoints", config)
    trainer.log = toy_log(folder / name / "log", trainer)
    return trainer


def test_everything_is_there_and_adds_up(tmp_path: Path) -> None:
    trainer = logged_trainer(tmp_path, "a", toy_config(max_epochs=2))
    trainer.run()
    found = records(tmp_path / "a/log")
    steps = [r for r in found if r["kind"] == "step"]
    epochs = [r for r in found if r["kind"] == "epoch"]
    total = trainer.state.step
    assert [r["step"] for r in steps] == list(range(2, total + 1, 2))
    assert [r["epoch"] for r in epochs] == [1, 2]
    for record, result in zip(epochs, trainer.state.history, strict=True):
        values = dataclasses.asdict(result)
        assert {key: record[key] for key in values} == values
    assert epochs[-1]["step"] == total
    assert steps[-1]["learning_rate"] == trainer.stepper.learning_rate
    assert all(r["gradient_norm"] > 0 and r["loss"] > 0 for r in steps)
    speeds = [r["throughput"] for r in steps if r["throughput"] is not None]
    assert len(speeds) >= total // 2 - 2 and min(speeds) > 0
    names = {str(p.relative_to(tmp_path / "a/log")) for p in _files(tmp_path / "a/log")}
    assert names == {"metrics.jsonl", "curves.png"} | {
        name
        for n in (1, 2)
        for name in (
            f"samples/epoch-{n}.tsv",
            f"spectrograms/epoch-{n}-train-1.png",
            f"spectrograms/epoch-{n}-dev-1.png",
        )
    }


def _files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file()]


def test_weights_are_those_of_a_training_without_log(tmp_path: Path) -> None:
    """Dropout would notice a single number drawn in between."""
    config = toy_config(max_epochs=3)
    silent = toy_trainer(tmp_path, tmp_path / "silent", config)
    silent.run()
    logged = logged_trainer(tmp_path, "logged", config)
    random.seed(0)
    np.random.seed(0)  # the state that a library might draw from
    before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]
    logged.run()
    after = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]
    assert before == after
    for name, value in silent.model.state_dict().items():
        assert torch.equal(value, logged.model.state_dict()[name]), name
    assert silent.state == logged.state


@pytest.mark.parametrize(("step", "minutes"), [(1, 10.0), (7, 0.0), (13, 10.0)])
def test_killed_and_started_again_writes_the_same_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: float, step: int
) -> None:
    config = toy_config(checkpoint_minutes=minutes)
    logged_trainer(tmp_path, "whole", config).run()
    killed = logged_trainer(tmp_path, "killed", config)
    plain_step = killed._step

    def dying_step(group: Group, batches: Iterator[Batch]) -> tuple[float, float]:
        if killed.state.step == step:
            raise KilledError
        return plain_step(group, batches)

    monkeypatch.setattr(killed, "_step", dying_step)
    with pytest.raises(KilledError):
        killed.run()
    with open(tmp_path / "killed/log/metrics.jsonl", "a") as file:
        file.write('{"kind": "step", "st')  # killed while writing
    logged_trainer(tmp_path, "killed", config).run()
    assert content(tmp_path / "whole/log") == content(tmp_path / "killed/log")


def test_killed_between_log_and_checkpoint_of_an_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = toy_config(checkpoint_minutes=0.0)
    logged_trainer(tmp_path, "whole", config).run()
    killed = logged_trainer(tmp_path, "killed", config)

    def die(epoch: int, model: object) -> None:
        if epoch == 2:
            raise KilledError

    monkeypatch.setattr(killed.folder, "save_weights", die)
    with pytest.raises(KilledError):
        killed.run()
    assert records(tmp_path / "killed/log")[-1]["epoch"] == 2
    logged_trainer(tmp_path, "killed", config).run()
    assert content(tmp_path / "whole/log") == content(tmp_path / "killed/log")


def test_skipped_steps_are_named_and_have_no_loss(tmp_path: Path) -> None:
    trainer = logged_trainer(tmp_path, "a", toy_config(max_epochs=1))
    plain_loss, bad = trainer.stepper.loss, 3

    def loss(batch: Batch, network: torch.nn.Module) -> torch.Tensor:
        value = plain_loss(batch, network)
        return value * float("nan") if trainer.state.step == bad - 1 else value

    trainer.stepper.loss = loss  # type: ignore[method-assign]
    trainer.run()
    steps = {r["step"]: r for r in records(tmp_path / "a/log") if r["kind"] == "step"}
    assert steps[bad]["loss"] is None and steps[bad]["gradient_norm"] is None
    assert steps[bad]["utterances"] and steps[bad]["skipped"] == 1
    assert steps[4]["skipped"] == 1 and "utterances" not in steps[4]
    assert steps[2]["skipped"] == 0
    assert records(tmp_path / "a/log")[-1]["skipped"] == 1


def test_another_training_keeps_the_old_log(tmp_path: Path) -> None:
    logged_trainer(tmp_path, "a", toy_config(max_epochs=1)).run()
    old = content(tmp_path / "a/log")
    again = toy_trainer(tmp_path, tmp_path / "fresh", toy_config(max_epochs=1))
    again.log = toy_log(tmp_path / "a/log", again)
    again.run()
    assert content(tmp_path / "a/log.old-1") == old == content(tmp_path / "a/log")


def test_a_broken_model_does_not_end_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = logged_trainer(tmp_path, "a", toy_config(max_epochs=1))
    trainer.log.begin(trainer.state)
    with torch.no_grad():
        trainer.model.output.weight.fill_(float("nan"))
    trainer._finish_epoch()
    assert "no samples of epoch 1: log-probs contain NaN" in capsys.readouterr().out
    assert records(tmp_path / "a/log")[-1]["dev_loss"] is None


def test_metrics_survive_a_line_that_is_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"kind": "step", "step": 1, "epoch": 1}\n{"kind": "st')
    assert [r["step"] for r in read_metrics(path)] == [1]
    metrics = MetricsFile(path)
    metrics.resume(1, 0)
    metrics.add({"kind": "step", "step": 2, "epoch": 1, "loss": float("inf")})
    metrics.close()
    assert [r["step"] for r in read_metrics(path)] == [1, 2]
    assert read_metrics(path)[1]["loss"] is None


def test_cpu_time_goes_on_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that is 10 s later whenever it is read, once for each line."""
    clock = itertools.count(1000.0, 10.0)
    monkeypatch.setattr("asr.train.cpu_clock._used", lambda: next(clock))
    config = toy_config(max_epochs=2, checkpoint_minutes=0.0)
    killed = logged_trainer(tmp_path, "a", config)

    def die(epoch: int, model: object) -> None:
        raise KilledError

    monkeypatch.setattr(killed.folder, "save_weights", die)
    with pytest.raises(KilledError):
        killed.run()
    first = [r["cpu"] for r in records(tmp_path / "a/log")]
    logged_trainer(tmp_path, "a", config).run()
    both = [r["cpu"] for r in records(tmp_path / "a/log")]
    assert len(both) > len(first) > 1
    assert both == [10.0 * (n + 1) for n in range(len(both))]


def test_cpu_time_counts_threads_and_finished_children() -> None:
    clock = CpuClock()
    clock.resume([])
    code = "import time\nwhile time.process_time() < 0.5: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert clock.seconds is not None and 0.4 <= clock.seconds < 5
    clock.resume([{"cpu": 70.0}])
    assert clock.seconds == pytest.approx(70.0, abs=0.3)
    clock.resume([{"kind": "step"}])  # of a version that did not measure it
    assert clock.seconds is None


def test_speed_leaves_out_what_lies_between_epochs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, 2.0, 4.0, 104.0, 105.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    speed = Speed()
    speed.add(1, 50.0)  # when it began is not known
    assert speed.take() is None
    speed.add(1, 10.0)
    speed.add(1, 30.0)
    speed.add(2, 50.0)  # after a long validation
    speed.add(2, 10.0)
    assert speed.take() == pytest.approx(50.0 / 5.0)
