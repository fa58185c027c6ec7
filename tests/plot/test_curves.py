"""Curves: what is drawn is what was recorded."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from asr.bin.curves import main
from asr.plot.curves import curve, draw_curves, thinned
from tests.utils.shell import ROOT


def some_records(steps: int = 40) -> list[dict[str, object]]:
    records: list[dict[str, object]] = [
        {
            "kind": "step",
            "step": step,
            "epoch": 1,
            "loss": None if step == 7 else 3.0 / step,
            "learning_rate": 1e-3,
            "gradient_norm": 2.0,
            "throughput": 50.0,
            "skipped": int(step >= 7),
        }
        for step in range(1, steps + 1)
    ]
    end = {"kind": "epoch", "step": steps, "epoch": 1, "dev_loss": 0.4}
    return [*records, end | {"dev_wer": 0.5, "dev_cer": 0.2}]


def test_null_values_leave_a_gap() -> None:
    x, y = curve(some_records()[:-1], "loss")
    assert 7 not in x.tolist() and len(x) == 39
    assert y.tolist() == [3.0 / step for step in x]
    assert [len(part) for part in curve([], "loss")] == [0, 0]


def test_thinning_keeps_means_and_ends_apart() -> None:
    x = np.arange(1000.0)
    small_x, small_y = thinned((x, 2 * x), most=300)
    assert len(small_x) == 300
    np.testing.assert_allclose(small_y, 2 * small_x)
    assert small_x[0] == pytest.approx(1.0) and small_x[-1] > 996
    assert thinned((x, x), most=1000)[0] is x


@pytest.mark.parametrize("number", [0, 1, 40])
def test_any_number_of_records_is_a_picture(tmp_path: Path, number: int) -> None:
    path = tmp_path / "curves.png"
    draw_curves(some_records()[:number], path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_equal_records_are_equal_pictures(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw_curves(some_records(), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    draw_curves(some_records(39), tmp_path / "c.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "c.png").read_bytes()


def write_metrics(exp: Path) -> None:
    (exp / "log").mkdir(parents=True)
    lines = [json.dumps(record) for record in some_records()]
    text = "\n".join(lines) + '\n{"kind": "st'  # a training that is running
    (exp / "log/metrics.jsonl").write_text(text)


def test_the_command_draws_again(tmp_path: Path) -> None:
    write_metrics(tmp_path / "exp")
    command = [sys.executable, "-m", "asr.bin.curves", str(tmp_path / "exp")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    draw_curves(some_records(), tmp_path / "same.png")
    drawn = (tmp_path / "exp/log/curves.png").read_bytes()
    assert drawn == (tmp_path / "same.png").read_bytes()
    assert main([str(tmp_path / "exp"), str(tmp_path / "other.png")]) == 0
    assert (tmp_path / "other.png").read_bytes() == drawn


def test_the_command_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ") and message.count("\n") == 1
    assert "run stage 6" in message
    assert main([]) == 2
