"""Pictures: of the right size and content, the same bytes every time."""

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from asr.plot.spectrogram import draw_on, draw_sheet, draw_spectrogram


def features(frames: int = 50) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(frames, 80)).astype(np.float32)


def size(png: Path) -> tuple[int, int]:
    head = png.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n")
    return struct.unpack(">II", head[16:24])  # type: ignore[return-value]


@pytest.mark.parametrize("frames", [0, 1, 500])
def test_any_length_gives_a_picture(tmp_path: Path, frames: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_spectrogram(features(frames), tmp_path / "a.png", "a")
    width, height = size(tmp_path / "a.png")
    assert width == (800 if frames == 500 else 400) and height == 260


def test_time_runs_to_the_right_and_frequency_up() -> None:
    axes = Figure().add_subplot()
    quiet = np.full((100, 80), -10.0)
    quiet[90, 70] = 0.0
    quiet[0, 0] = np.nan
    draw_on(axes, quiet, "a")
    image = axes.images[0]
    assert image.origin == "lower"
    assert tuple(image.get_extent()) == (0.0, 1.0, 0.0, 80.0)
    shown = np.ma.filled(image.get_array(), -99.0)
    assert np.unravel_index(shown.argmax(), shown.shape) == (70, 90)
    assert image.get_clim() == (-12.0, 0.0)


def test_a_sheet_is_the_same_file_every_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw_sheet([("x", features()), ("y", features(80))], tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert size(tmp_path / "a.png")[0] == 816
