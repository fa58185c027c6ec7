"""Pictures of log-mel features."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from asr.atomic import atomic_path

FRAMES_PER_SECOND = 100
DYNAMIC_RANGE = 12.0  # ln units below the loudest value (52 dB) are black
COLOURS = 128
METADATA = {"Software": None}  # equal features are equal files, whatever the version

Features = NDArray[np.floating[Any]]


def draw_spectrogram(
    features: Features, path: Path, title: str, loudest: float | None = None
) -> None:
    """Write one (T, F) log-mel spectrogram as PNG, time to the right, in seconds.

    ``loudest`` is the value of the brightest colour, by default the features' own.
    """
    seconds = len(features) / FRAMES_PER_SECOND
    figure = Figure(figsize=(min(12.0, max(4.0, 1.6 * seconds)), 2.6), dpi=100)
    axes = figure.add_subplot()
    draw_on(axes, features, title, loudest)
    axes.set_xlabel("seconds")
    axes.set_ylabel("mel bin")
    save_png(figure, path)


def draw_sheet(
    spectrograms: Sequence[tuple[str, Features]], path: Path, columns: int = 3
) -> None:
    """Write several (title, (T, F) log-mel) spectrograms as one PNG.

    All share one scale of colours and of seconds, so they can be compared.
    """
    rows = -(-len(spectrograms) // columns)
    figure = Figure(figsize=(3.4 * columns, 1.3 * rows), dpi=80)
    loudest = max(_maximum(features) for _, features in spectrograms)
    longest = max(len(features) for _, features in spectrograms)
    for number, (title, features) in enumerate(spectrograms, start=1):
        axes = figure.add_subplot(rows, columns, number)
        draw_on(axes, features, title, loudest)
        axes.set_xlim(0, max(1, longest) / FRAMES_PER_SECOND)
        axes.tick_params(labelsize=6)
    save_png(figure, path)


def draw_on(
    axes: Axes, features: Features, title: str, loudest: float | None = None
) -> None:
    """Draw (T, F) log-mel features; ``loudest`` is the value of the brightest colour.

    By default that is the features' own maximum; values that are not finite stay white.
    """
    array = np.asarray(features, dtype=np.float32)
    top = _maximum(array) if loudest is None else loudest
    axes.imshow(
        np.where(np.isfinite(array), array, np.nan).T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=top - DYNAMIC_RANGE,
        vmax=top,
        extent=(
            0.0,
            max(1, len(array)) / FRAMES_PER_SECOND,
            0.0,
            float(array.shape[1]),
        ),
    )
    axes.set_title(title, fontsize=8, loc="left", pad=3)


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure, atomically; closes nothing, for it belongs to no window."""
    figure.set_layout_engine("tight")
    FigureCanvasAgg(figure)
    pixels = io.BytesIO()
    figure.savefig(pixels, format="png", metadata=METADATA)
    picture = Image.open(pixels).convert("RGB").quantize(COLOURS)  # a third of the size
    with atomic_path(path) as partial:
        picture.save(partial, format="PNG", optimize=True)


def _maximum(features: Features) -> float:
    """The largest finite value, 0 where there is none."""
    finite = features[np.isfinite(features)]
    return float(finite.max()) if finite.size else 0.0
