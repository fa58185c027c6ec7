"""The picture of a dev surface."""

import itertools
from pathlib import Path

import numpy as np
from PIL import Image

from asr.plot.curves import draw_scales


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


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
