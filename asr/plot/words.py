"""A waveform with the words that were recognised in it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from asr.plot.spectrogram import save_png

MOST_POINTS = 2000  # of the waveform; the extremes of more samples are drawn


class Span(NamedTuple):
    """A word from ``start`` to ``end``, in seconds, and how sure of it one is, 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float


def draw_words(
    samples: NDArray[np.floating[Any]],
    sample_rate: int,
    words: Sequence[Span],
    path: Path,
    title: str,
) -> None:
    """Draw (num_samples,) audio as PNG, each word over its time.

    Words are green where the decoder is sure of them, red where it is not; those that
    end after the audio are left out.
    """
    seconds = len(samples) / sample_rate
    shown = [word for word in words if word.end <= seconds + 0.1]
    width = min(14.0, max(6.0, 1.8 * seconds, 0.5 * len(shown)))
    figure = Figure(figsize=(width, 2.8), dpi=90)
    axes = figure.add_subplot()
    lowest, highest = envelope(samples)
    times = (np.arange(len(lowest)) + 0.5) * seconds / max(1, len(lowest))
    axes.fill_between(times, lowest, highest, color="0.45", linewidth=0.5)
    top = max(1e-3, float(np.abs(samples).max(initial=0.0)))
    axes.set_xlim(0.0, max(seconds, 1e-3))
    axes.set_ylim(-1.1 * top, 1.8 * top)
    for number, word in enumerate(shown):
        draw_word(axes, word, top, 0.18 * top * (number % 2))
    axes.set_yticks([])
    axes.set_xlabel("seconds")
    axes.set_title(title, fontsize=9, loc="left")
    save_png(figure, path)


def draw_word(axes: Axes, word: Span, top: float, raised: float) -> None:
    """Shade a word's time and write it above; ``raised`` keeps neighbours apart."""
    colour = colormaps["RdYlGn"](min(1.0, max(0.0, word.confidence)))
    axes.axvspan(word.start, word.end, color=colour, alpha=0.35, linewidth=0)
    axes.text(
        (word.start + word.end) / 2,
        1.15 * top + raised,
        word.text,
        ha="center",
        va="bottom",
        fontsize=8,
    )


def envelope(
    samples: NDArray[np.floating[Any]], most: int = MOST_POINTS
) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """Lowest and highest samples of at most ``most`` groups of neighbours."""
    if len(samples) <= most:
        return samples, samples
    begins = np.linspace(0, len(samples), most, endpoint=False).astype(np.int64)
    return np.minimum.reduceat(samples, begins), np.maximum.reduceat(samples, begins)
