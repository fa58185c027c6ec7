"""W&B: complete offline, resumed, and harmless however it fails."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from asr.errors import UsageError
from asr.train.log import TrainLogs
from asr.train.loop import Trainer
from asr.train.wandb_log import WandbLog, choose_mode
from tests.train.logs import records, toy_log
from tests.train.toy import toy_config, toy_trainer
from tests.train.wandb_files import read_run
from tests.utils.shell import ROOT


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def watched_trainer(
    folder: Path, epochs: int = 1, mode: str = "offline", finish_seconds: float = 60.0
) -> Trainer:
    config = toy_config(max_epochs=epochs)
    trainer = toy_trainer(folder, folder / "checkpoints", config)
    (folder / "config.yaml").write_text("commit: abc\ntrain:\n  seed: 1\n")
    wandb = WandbLog(
        folder / "log",
        folder / "config.yaml",
        folder / "checkpoints/wandb_id",
        name="toy-conformer",
        project="test",
        mode=mode,
        finish_seconds=finish_seconds,
    )
    trainer.log = TrainLogs([toy_log(folder / "log", trainer), wandb])
    return trainer


def write_audio_example(log: Path) -> None:
    import numpy as np
    import soundfile

    (log / "audio").mkdir(parents=True)
    soundfile.write(str(log / "audio/1-original.wav"), np.zeros(160), 16000)
    rows = "file\tid\ttext\n1-original.wav\tutt00\tONE TWO\n"
    (log / "audio/index.tsv").write_text(rows)


def test_offline_run_holds_what_the_local_log_holds(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The real W&B, in two runs of the same training, read back from its files."""
    write_audio_example(tmp_path / "log")
    watched_trainer(tmp_path, 1).run()
    first_line = capfd.readouterr().out.splitlines()[-1]
    watched_trainer(tmp_path, 2).run()
    folders = sorted((tmp_path / "log/wandb").glob("offline-run-*"))
    assert first_line == f"W&B: offline run; upload it by: wandb sync {folders[0]}"
    runs = [read_run(next(folder.glob("*.wandb"))) for folder in folders]
    assert len(runs) == 2 and runs[0]["id"] == runs[1]["id"]
    for run in runs:
        assert (run["project"], run["name"]) == ("test", "toy-conformer")
        assert run["config"]["train"] == {"seed": 1}
        assert run["config"]["commit"] == "abc"
        assert run["exit_code"] == 0
    history: dict[int, dict[str, Any]] = {}
    for row in runs[0]["history"] + runs[1]["history"]:
        assert row["_step"] == 0 or row["_step"] not in history
        history[row["_step"]] = row
    for record in records(tmp_path / "log"):
        row = history[record["step"]]
        if record["kind"] == "step":
            for key in ("loss", "learning_rate", "gradient_norm"):
                assert row[f"train/{key}"] == record[key]
            assert row["train/skipped"] == 0
        else:
            for key in ("loss", "cer", "wer"):
                assert row[f"dev/{key}"] == record[f"dev_{key}"]
            assert any(key.startswith("samples/") for key in row)
            assert any(key.startswith("spectrograms/train/") for key in row)
    files = [str(p) for folder in folders for p in folder.rglob("files/media/**/*.*")]
    kinds = ("samples", "spectrograms/train", "spectrograms/dev")
    assert [sum(f"/{kind}_" in name for name in files) for kind in kinds] == [2, 2, 2]
    assert sum(name.endswith(".wav") for name in files) == 1  # once for a run
    table = json.loads(Path(next(n for n in files if "samples_" in n)).read_text())
    assert table["columns"] == ["id", "decoder", "target", "prediction", "CER", "WER"]
    assert len(table["data"]) == 6


def test_a_server_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The real W&B with a key and a port where nobody listens."""
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    trainer = watched_trainer(tmp_path, mode="online")
    wandb = trainer.log.logs[1]  # type: ignore[attr-defined]
    wandb.init_seconds = 2.0
    trainer.run()
    said = [s for s in capfd.readouterr().out.splitlines() if s.startswith("W&B")]
    assert len(said) == 2, said
    assert "not reached" in said[0] and "offline run; upload it by" in said[1]
    (path,) = (tmp_path / "log/wandb").glob("offline-run-*/*.wandb")
    steps = {row["_step"] for row in read_run(path)["history"]}
    assert steps == {r["step"] for r in records(tmp_path / "log")}


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the logging process load the fake; return the file of its calls."""
    (tmp_path / "packages/wandb").mkdir(parents=True)
    shutil.copy(
        ROOT / "tests/train/fake_wandb.py", tmp_path / "packages/wandb/__init__.py"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    monkeypatch.setenv("FAKE_WANDB_CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


def calls(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ("import-raises", "off from here on, because of ConnectionError: no route to"),
        ("init-raises", "off from here on, because of ConnectionError: no route to"),
        ("log-raises", "off from here on, because of ConnectionError: no route to"),
        ("finish-raises", "off from here on, because of ConnectionError: no route to"),
        ("init-asks", "off from here on, because of EOFError"),
        ("import-dies", "its process ended with code -9"),
        ("log-dies", "its process ended with code -9"),
        ("init-hangs", "not finished in 1 s and ended"),
        ("finish-hangs", "not finished in 1 s and ended"),
    ],
)
def test_however_it_fails_one_line_is_printed_and_training_goes_on(
    fake: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    how: str,
    line: str,
) -> None:
    monkeypatch.setenv("FAKE_WANDB", how)
    hangs = how.endswith(
        "-hangs"
    )  # the others end by themselves, late on a busy machine
    trainer = watched_trainer(tmp_path, finish_seconds=1.0 if hangs else 120.0)
    began = time.monotonic()
    trainer.run()
    assert not hangs or time.monotonic() - began < 60
    said = [s for s in capfd.readouterr().out.splitlines() if s.startswith("W&B")]
    problems = [s for s in said if "offline run; upload" not in s]
    assert len(problems) == 1 and line in problems[0], said
    assert calls(fake)[-1]["call"] == how.split("-")[0]
    silent = toy_trainer(tmp_path, tmp_path / "silent", toy_config(max_epochs=1))
    silent.run()
    assert (tmp_path / "checkpoints/best.json").read_bytes() == (
        tmp_path / "silent/best.json"
    ).read_bytes()


def test_where_the_server_is_not_reached_the_run_is_offline(
    fake: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FAKE_WANDB", "unreachable")
    watched_trainer(tmp_path, mode="online").run()
    assert [c["mode"] for c in calls(fake) if c["call"] == "init"] == [
        "online",
        "offline",
    ]
    assert calls(fake)[-1] == {"call": "finish", "exit_code": 0}
    said = [s for s in capfd.readouterr().out.splitlines() if s.startswith("W&B")]
    assert said == [
        "W&B: not reached (no route to the server); the run goes on offline",
        "W&B: offline run; upload it by: wandb sync /there",
    ]


def test_a_restart_goes_on_with_the_same_run(
    fake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_WANDB", "nothing")
    watched_trainer(tmp_path, 1, mode="online").run()
    watched_trainer(tmp_path, 2, mode="online").run()
    watched_trainer(tmp_path, 2, mode="online").run()  # nothing left to do: no run
    made = calls(fake)
    inits = [c for c in made if c["call"] == "init"]
    assert len(inits) == 2 and inits[0]["id"] == inits[1]["id"]
    assert {c["resume"] for c in inits} == {"allow"}
    steps = [c["step"] for c in made if c["call"] == "log"]
    assert steps == [r["step"] for r in records(tmp_path / "log")]


def test_the_process_ends_after_its_training_is_killed(
    fake: Path, tmp_path: Path
) -> None:
    """SIGKILL of the training: the run is finished as failed, nothing stays behind."""
    code = (
        "import sys, time; from pathlib import Path\n"
        "from asr.train.log import StepRecord\n"
        "from asr.train.state import TrainState\n"
        "from tests.train.test_wandb_log import watched_trainer\n"
        "logs = watched_trainer(Path(sys.argv[1])).log.logs\n"
        "logs[0].metrics.resume(0, 0); logs[1].begin(TrainState())\n"
        "logs[1].step(None, None); print(logs[1].process.pid, flush=True)\n"
        "logs[0].metrics.add({'kind': 'step', 'step': 2, 'epoch': 1, 'loss': 1.0,\n"
        "  'learning_rate': 1.0, 'gradient_norm': 1.0, 'throughput': 1.0,\n"
        "  'skipped': 0})\n"
        "print('ready', flush=True); time.sleep(600)\n"
    )
    training = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "FAKE_WANDB": "nothing", "PYTHONPATH": _path(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert training.stdout is not None
    pid = int(training.stdout.readline())
    assert training.stdout.readline() == "ready\n"
    training.send_signal(signal.SIGKILL)
    training.wait()
    deadline = time.monotonic() + 30
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _lives(pid)
    made = calls(fake)
    assert [c["step"] for c in made if c["call"] == "log"] == [2]
    assert made[-1] == {"call": "finish", "exit_code": 1}


def _path(folder: Path) -> str:
    return os.pathsep.join([str(ROOT), str(folder / "packages")])


def _lives(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be collected does not."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("wanted", "environment", "mode"),
    [
        ("auto", {}, "offline"),
        ("auto", {"WANDB_API_KEY": "x"}, "online"),
        ("auto", {"WANDB_API_KEY": "x", "WANDB_MODE": "offline"}, "offline"),
        ("auto", {"WANDB_API_KEY": "x", "WANDB_MODE": "disabled"}, "off"),
        ("auto", {"NETRC": "netrc"}, "online"),
        ("auto", {"NETRC": "netrc", "WANDB_BASE_URL": "https://own.org"}, "offline"),
        ("auto", {"NETRC": "damaged"}, "offline"),
        ("off", {"WANDB_API_KEY": "x"}, "off"),
        ("online", {}, "online"),
    ],
)
def test_mode(
    tmp_path: Path, wanted: str, environment: dict[str, str], mode: str
) -> None:
    (tmp_path / "netrc").write_text("machine api.wandb.ai\n login user\n password x\n")
    (tmp_path / "damaged").write_text("machine\n login")
    if "NETRC" in environment:
        environment = {**environment, "NETRC": str(tmp_path / environment["NETRC"])}
    assert choose_mode(wanted, {"HOME": str(tmp_path), **environment}) == mode


def test_another_word_is_an_error_of_the_user() -> None:
    with pytest.raises(UsageError, match="log.wandb=never: auto, online, offline or"):
        choose_mode("never", {})
