"""The scaling law and the curves of accuracy by cost."""

import json
from pathlib import Path

import pytest
from PIL import Image

from asr.errors import RecipeError
from benchmarks import cpu_curves, scaling_curve
from benchmarks.row_table import read_rates, read_training
from benchmarks.rows import load_study
from tests.benchmarks.fake_recipe import write, write_data, write_rates, write_training
from tests.benchmarks.test_rows import STUDIES

EXACT = [(hours, 40 * hours**-0.5) for hours in (1.0, 2.0, 4.0, 7.0)]


def test_a_power_law_is_found_again() -> None:
    law = scaling_curve.fit(EXACT)
    assert law.scale == pytest.approx(40) and law.exponent == pytest.approx(-0.5)
    assert law(100) == pytest.approx(4.0)
    assert scaling_curve.without_one(EXACT, 100) == pytest.approx((4.0, 4.0))


def test_leaving_a_point_out_shows_how_firm_the_law_is() -> None:
    """Through two of three points, by hand: 40/h^1 and 40/h^0.5 at the outside."""
    points = [(1.0, 40.0), (2.0, 20.0), (4.0, 20.0)]
    low, high = scaling_curve.without_one(points, 16.0)
    assert low == pytest.approx(2.5)  # without the last: 40 / 16
    assert high == pytest.approx(20.0)  # without the first: flat
    with pytest.raises(RecipeError, match="two amounts"):
        scaling_curve.fit([(1.0, 40.0), (1.0, 30.0)])


def test_what_is_said_of_more_data() -> None:
    text = scaling_curve.describe("hlg", EXACT)
    assert "%WER = 40.0 * hours^-0.500" in text
    assert "at 100 h: 4.0 (4.0 to 4.0 where one point is left out)" in text
    assert "at 960 h: 1.3" in text
    assert "WARNING: an extrapolation to 14 and 137 times the data" in text


@pytest.fixture
def scaled(tmp_path: Path) -> Path:
    """The scaling study's rows, all done but one."""
    study = load_study(STUDIES["scaling"], None, [])
    for row in study.rows:
        hours = row.config.manifest.train_hours or 7.0
        exp, data = tmp_path / "exp" / row.name, tmp_path / "data" / row.data_name
        write_data(data, [0.25 * hours, 0.75 * hours])
        if hours != 4:
            write_rates(exp, "test", {"hlg": 40 * hours**-0.5}, "greedy")
    return tmp_path


def run_scaling(folder: Path, *options: str) -> int:
    paths = ["--exp-dir", str(folder / "exp"), "--data-dir", str(folder / "data")]
    out = str(folder / "scaling.png")
    return scaling_curve.main([str(STUDIES["scaling"]), out, *paths, *options])


def test_from_finished_rows_to_the_picture(
    scaled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_scaling(scaled, "--decoders", "hlg") == 0
    told = capsys.readouterr().out
    assert "hlg: %WER 40.00 at 1.00 h, 28.28 at 2.00 h, 15.12 at 7.00 h" in told
    assert "at 100 h: 4.0" in told
    assert Image.open(scaled / "scaling.png").size[0] > 300
    assert run_scaling(scaled, "--decoders", "greedy") == 1  # phones: no words to count
    assert "two amounts of data" in capsys.readouterr().err


def test_curves_by_cpu_hours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_training(tmp_path / "a", [0.8, 0.4, 0.5], [900.0, 1800.0, 7200.0], "phone")
    write_training(tmp_path / "b", [0.9], [36.0])
    out = tmp_path / "curves.png"
    named = f"mine={tmp_path / 'a'}"
    assert cpu_curves.main([str(out), named, str(tmp_path / "b")]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == (
        "mine: 40.00 % phone errors on dev after 0.50 CPU hours, 3 epochs, 2.00 CPU "
        "hours in all"
    )
    assert second.startswith(
        "b: tdnnf, char, mmi: 90.00 % word errors on dev after 0.01"
    )
    assert Image.open(out).size[0] > 600  # two panels
    curve = cpu_curves.read_curve(named)
    assert curve.hours == (0.25, 0.5, 2.0) and curve.errors == (80.0, 40.0, 50.0)


def test_logs_that_say_nothing_of_cost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_training(tmp_path / "old", [0.8, 0.4], [None, None])
    write_training(tmp_path / "new", [], [])
    for name, message in (
        ("old", "no CPU time"),
        ("new", "no epoch has ended"),
        ("none", "not found"),
    ):
        assert cpu_curves.main([str(tmp_path / "x.png"), str(tmp_path / name)]) == 1
        assert message in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()


def test_what_a_training_has_cost(tmp_path: Path) -> None:
    exp, data = tmp_path / "exp", tmp_path / "data"
    assert read_training(exp, data) is None
    write_data(data, [1.0, 0.5])
    write_training(exp, [0.8, 0.4], [60.0, 90.0], commit="a" * 40 + "-dirty")
    found = read_training(exp, data)
    assert found is not None
    assert (found.epochs, found.hours, found.cpu_minutes) == (2, 6.0, 1.5)
    assert found.commit == "aaaaaaaaa-dirty"
    write(
        exp / "log/metrics.jsonl", json.dumps({"kind": "step", "step": 1, "epoch": 1})
    )
    assert read_training(exp, data) is None
    assert read_rates(exp, "test") == {}
