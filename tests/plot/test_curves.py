"""Curves and dev surfaces: what is drawn is what was recorded."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asr.bin.curves import main
from asr.plot.curves import curve, draw_curves, draw_scales, thinned
from tests.utils.shell import ROOT


def some_records(steps: int = 40) -> list[dict[str, object]]:
    rates = {"learning_rate": 1e-3, "gradient_norm": 2.0, "throughput": 50.0}
    records: list[dict[str, object]] = [
        {"kind": "step", "step": step, "epoch": 1, "skipped": int(step >= 7)}
        | {"loss": None if step == 7 else 3.0 / step}
        | rates
        for step in range(1, steps + 1)
    ]
    end = {"kind": "epoch", "step": steps, "epoch": 1, "dev_loss": 0.4}
    return [*records, end | {"dev_wer": 0.5, "dev_cer": 0.2}]


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


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


@pytest.mark.parametrize("number", [0, 1])
def test_few_records_are_a_picture(tmp_path: Path, number: int) -> None:
    draw_curves(some_records()[:number], tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_draws_equal_records_as_equal_pictures(tmp_path: Path) -> None:
    (tmp_path / "exp/log").mkdir(parents=True)
    lines = [json.dumps(record) for record in some_records()]
    text = "\n".join(lines) + '\n{"kind": "st'  # a training that is running
    (tmp_path / "exp/log/metrics.jsonl").write_text(text)
    command = [sys.executable, "-m", "asr.bin.curves", str(tmp_path / "exp")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    drawn = (tmp_path / "exp/log/curves.png").read_bytes()
    assert drawn.startswith(b"\x89PNG")
    draw_curves(some_records(39), tmp_path / "fewer.png")
    assert (tmp_path / "fewer.png").read_bytes() != drawn
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


def test_pictures_of_one_and_of_two_scales(tmp_path: Path) -> None:
    x, y = (0.1, 0.2, 0.3), (1.0, 2.0)
    line = {(a,): 10 * a for a in x}
    draw_scales(tmp_path / "1.png", "hlg", {"s": x}, line, {(0.2,): 2.0}, (0.2,))
    plane = {p: p[0] * p[1] for p in itertools.product(x, y)}
    decoded = {(0.2, 1.0): 0.2, (0.3, 2.0): 0.6}
    for name, best in (("2", (0.2, 1.0)), ("3", (0.3, 2.0)), ("4", (0.2, 1.0))):
        path = tmp_path / f"{name}.png"
        draw_scales(path, "beam-lm", {"a": x, "b": y}, plane, decoded, best)
    assert pixels(tmp_path / "1.png").std() > 5
    assert (pixels(tmp_path / "2.png") != pixels(tmp_path / "3.png")).any()
    assert (tmp_path / "2.png").read_bytes() == (tmp_path / "4.png").read_bytes()


def test_of_three_scales_the_plane_through_the_best_point(tmp_path: Path) -> None:
    axes = {"a": (0.0, 1.0), "b": (0.0, 1.0), "c": (0.0, 1.0)}
    values = {p: p[0] + 10 * p[2] for p in itertools.product(*axes.values())}
    decoded = {(0.0, 0.0, 1.0): 10.0, (1.0, 1.0, 0.0): 1.0}
    draw_scales(tmp_path / "3.png", "x", axes, values, decoded, (0.0, 0.0, 1.0))
    plane = {p[:2]: v for p, v in values.items() if p[2] == 1.0}
    two = {"a": axes["a"], "b": axes["b"]}
    draw_scales(tmp_path / "2.png", "x", two, plane, {(0.0, 0.0): 10.0}, (0.0, 0.0))
    assert (tmp_path / "3.png").read_bytes() == (tmp_path / "2.png").read_bytes()
