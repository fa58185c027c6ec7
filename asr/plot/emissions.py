"""A model's output as a picture: log-probs by token and time, and the best path."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from asr.plot.spectrogram import save_png

LOWEST = -8.0  # ln; what is less probable is as dark
MOST_TOKENS = 40

Matrix = NDArray[np.floating[Any]]


def draw_emissions(
    log_probs: Matrix,
    tokens: Sequence[str],
    path: Path,
    title: str,
    seconds_per_row: float,
    blank: int = 0,
) -> None:
    """Draw (T, V) log-probs as PNG, with the best token of every row marked.

    Args:
        log_probs: natural log.
        tokens: the V tokens.
        seconds_per_row: from one row to the next.

    Only tokens that matter here are shown, in the order in which the best path comes
    to them, so that it runs downwards; the blank is at the top.
    """
    best = log_probs.argmax(axis=1) if len(log_probs) else np.zeros(0, np.int64)
    shown = choose_tokens(log_probs, best, blank)
    seconds = len(log_probs) * seconds_per_row
    size = (min(14.0, max(6.0, 1.8 * seconds)), 1.6 + 0.17 * len(shown))
    figure = Figure(figsize=size, dpi=90)
    axes = figure.add_subplot()
    image = axes.imshow(
        log_probs[:, shown].T,
        aspect="auto",
        cmap="viridis",
        vmin=LOWEST,
        vmax=0.0,
        interpolation="nearest",
        extent=(0.0, max(seconds, seconds_per_row), len(shown) - 0.5, -0.5),
    )
    figure.colorbar(image, ax=axes, label="ln p", pad=0.01)
    draw_path(axes, best, shown, tokens, seconds_per_row, blank)
    axes.set_yticks(range(len(shown)), [tokens[i] for i in shown], fontsize=7)
    axes.set_xlabel("seconds")
    axes.set_title(title, fontsize=9, loc="left")
    save_png(figure, path)


def choose_tokens(
    log_probs: Matrix, best: NDArray[np.int64], blank: int, most: int = MOST_TOKENS
) -> list[int]:
    """The blank, the tokens of the best path as they come, then the likeliest others.

    Others only if they ever have a probability of 0.05.
    """
    found = dict.fromkeys([blank, *(int(i) for i in best)])
    if len(log_probs):
        top = log_probs.max(axis=0)
        found |= dict.fromkeys(int(i) for i in np.argsort(-top) if top[i] > -3.0)
    return list(found)[:most]


def draw_path(
    axes: Axes,
    best: NDArray[np.int64],
    shown: Sequence[int],
    tokens: Sequence[str],
    seconds_per_row: float,
    blank: int,
) -> None:
    """Draw the best path as a line, and a dot with its token where one is emitted."""
    places = {token: row for row, token in enumerate(shown)}
    rows = np.array([places.get(int(i), np.nan) for i in best], np.float64)
    times = (np.arange(len(best)) + 0.5) * seconds_per_row
    axes.plot(times, rows, color="white", linewidth=0.7, alpha=0.7)
    before = np.concatenate([[blank], best[:-1]]) if len(best) else best
    emitted = (best != blank) & (best != before) & ~np.isnan(rows)
    axes.plot(times[emitted], rows[emitted], "r.", markersize=6, label="emitted")
    for time, row, token in zip(
        times[emitted], rows[emitted], best[emitted], strict=True
    ):
        axes.annotate(
            tokens[token],
            (time, row),
            (3, 2),
            textcoords="offset points",
            color="white",
            fontsize=7,
        )
