"""The script over the rows: order, failures, restarts, and the table at the end."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml

from asr.config_load import ROOT
from benchmarks import ablation
from benchmarks.row_runner import Runner, locked
from benchmarks.rows import STAGES
from tests.benchmarks.fake_recipe import write_data, write_rates, write_training

THREE = {
    "corpus": "an4",
    "decoders": ["greedy", "hlg"],
    "epochs": 2,
    "ctc_share": 0.5,
    "base": {"model": "tdnnf", "set": {"tokenizer.kind": "phone"}},
    "rows": {
        "one": {"about": "the first"},
        "two": {"set": {"tokenizer.kind": "char"}},
        "three": {"model": "conformer"},
    },
}


class FakeRecipe:
    """Notes the stages of each row; one of them may fail."""

    def __init__(self, fails: tuple[str, str] = ("", "")) -> None:
        self.calls: list[tuple[str, str]] = []
        self.fails = fails

    def __call__(self, command: Sequence[str]) -> int:
        def option(name: str) -> Path:
            return Path(command[command.index(name) + 1])

        exp, stage = option("--exp-dir"), command[3]
        self.calls.append((exp.name, stage))
        if (exp.name, stage) == self.fails:
            return 3
        if stage == "fbank":
            write_data(option("--data-dir"), [0.5, 0.25])
        if stage == "train":
            write_training(exp, [0.5, 0.25], [60.0, 150.0])
        if stage == "score":
            phones = "greedy" if exp.name == "one" else ""
            for name, rate in (("dev", 20.0), ("test", 10.0)):
                words = {"hlg": rate} if phones else {"greedy": rate + 5, "hlg": rate}
                write_rates(exp, name, words, phones)
        return 0

    @property
    def rows(self) -> list[str]:
        return list(dict.fromkeys(row for row, _ in self.calls))


def start(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeRecipe, *options: str
) -> int:
    study = folder / "mine.yaml"
    study.write_text(yaml.safe_dump(THREE, sort_keys=False))
    monkeypatch.setattr(Runner, "__call__", lambda self, command: fake(command))
    return ablation.main([str(study), *folders(folder), *options])


def folders(folder: Path) -> list[str]:
    return ["--data-dir", str(folder / "data"), "--exp-dir", str(folder / "exp")]


def cells(folder: Path) -> dict[str, list[str]]:
    lines = (folder / "exp/RESULTS.md").read_text().splitlines()
    parts = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert len({len(part) for part in parts}) == 1
    return {part[0]: part[1:] for part in parts}


def test_all_rows_and_the_table(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake = FakeRecipe()
    assert start(tmp_path, monkeypatch, fake) == 0
    assert fake.calls == [(r, s) for r in ("one", "two", "three") for s in STAGES]
    table = cells(tmp_path)
    assert table["row"] == [
        "what differs",
        *("test, greedy", "test, hlg", "dev, greedy", "dev, hlg"),
        *("epochs", "audio h", "CPU min", "trained at"),
    ]
    cost = ["2", "3.0", "2.5", "012345678"]
    assert table["one"] == [
        "the first",
        "PER 7.50",
        "10.00",
        "PER 7.50",
        "20.00",
        *cost,
    ]
    assert table["two"] == ["two", "15.00", "10.00", "25.00", "20.00", *cost]
    assert "| three |" in capsys.readouterr().out


def test_goes_on_after_a_failed_row_and_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake = FakeRecipe(fails=("two", "train"))
    assert start(tmp_path, monkeypatch, fake) == 1
    stages = [stage for row, stage in fake.calls if row == "two"]
    assert stages == list(STAGES[: STAGES.index("train") + 1])
    assert ("three", "score") in fake.calls
    assert capsys.readouterr().err == "row two: train ended with exit code 3\n"
    assert cells(tmp_path)["two"] == ["two", *["–"] * 8]
    assert cells(tmp_path)["three"][1] == "15.00"


def test_some_rows_and_only_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeRecipe()
    assert start(tmp_path, monkeypatch, fake, "--rows", "three,one") == 0
    assert fake.rows == ["one", "three"]
    assert cells(tmp_path)["two"] == ["two", *["–"] * 8]
    fake.calls.clear()
    assert start(tmp_path, monkeypatch, fake, "--table", "--epochs", "5") == 0
    assert fake.calls == []
    assert cells(tmp_path)["one"][5] == "2 of 5"
    assert start(tmp_path, monkeypatch, fake, "--rows", "four") == 2


def hold(path: Path, ready: "multiprocessing.synchronize.Event") -> None:
    with locked(path, wait=True):
        ready.set()
        time.sleep(60)


def test_a_row_of_another_process_is_left_to_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    other = context.Process(target=hold, args=(tmp_path / "exp/two/.lock", ready))
    other.start()
    try:
        assert ready.wait(30)
        fake = FakeRecipe()
        assert start(tmp_path, monkeypatch, fake) == 1
        assert fake.rows == ["one", "three"]
        assert "row two: is run by another process" in capsys.readouterr().err
    finally:
        other.kill()
        other.join()
    assert start(tmp_path, monkeypatch, fake, "--rows", "two") == 0


SCRIPT = """
import sys
from benchmarks.row_runner import Runner, StoppedError
runner = Runner()
try:
    with runner.listening():
        print(runner([sys.executable, "-c", sys.argv[1]]), flush=True)
except StoppedError as stopped:
    sys.exit(100 + stopped.args[0])
"""
CHILD = """
import pathlib, signal, sys, time
folder = pathlib.Path({folder!r})
def save(*_):
    time.sleep(0.3)
    (folder / "saved").write_text("x")
    sys.exit(1)
signal.signal(signal.SIGTERM, save)
(folder / "ready").write_text("x")
time.sleep(60)
"""


def wait_for(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_lets_the_training_save_itself(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Even where the script is killed, so that no training goes on without it."""
    child = CHILD.format(folder=str(tmp_path))
    script = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, child],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    wait_for(lambda: (tmp_path / "ready").exists())
    script.send_signal(number)
    code = script.wait(30)
    assert code == (-number if number == signal.SIGKILL else 100 + number)
    if number != signal.SIGKILL:
        assert (tmp_path / "saved").exists()  # it was waited for
    wait_for((tmp_path / "saved").exists)


def test_the_exit_code_of_a_command() -> None:
    runner = Runner()
    assert runner([sys.executable, "-c", "raise SystemExit(7)"]) == 7
