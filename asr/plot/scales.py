"""The error rate over the scales of a decoder as a picture."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asr.plot.spectrogram import save_png

Point = tuple[float, ...]
Axis = tuple[float, ...]


def draw_scales(
    path: Path,
    title: str,
    axes: Mapping[str, Axis],
    reranked: Mapping[Point, float],
    decoded: Mapping[Point, float],
    best: Point,
) -> None:
    """Draw %WER over one scale as a line, over two as a map, as PNG.

    Args:
        axes: the values of each scale, by its name. Of more than two scales the
            plane of the first two through ``best`` is drawn.
        reranked: %WER of every point.
        decoded: %WER of those that were really decoded.
        best: the one of these that is taken.
    """
    figure = Figure(figsize=(6.4, 4.4), dpi=90)
    place = figure.add_subplot()
    if len(axes) == 1:
        _line(place, reranked, decoded, best)
        place.set_ylabel("WER (%)")
    else:
        _map(figure, place, list(axes.values()), reranked, decoded, best)
        place.set_ylabel(list(axes)[1])
    place.set_xlabel(next(iter(axes)))
    place.set_title(title, fontsize=10)
    place.legend(fontsize=8)
    save_png(figure, path)


def _line(
    place: Axes,
    reranked: Mapping[Point, float],
    decoded: Mapping[Point, float],
    best: Point,
) -> None:
    x = sorted(point[0] for point in reranked)
    place.plot(x, [reranked[value,] for value in x], linewidth=1, label="reranked")
    known = sorted(decoded)
    place.plot(
        [point[0] for point in known],
        [decoded[point] for point in known],
        "k.",
        label="decoded",
    )
    place.plot(best[0], decoded[best], "r*", markersize=12, label="taken")
    place.grid(alpha=0.3)


def _map(
    figure: Figure,
    place: Axes,
    axes: list[Axis],
    reranked: Mapping[Point, float],
    decoded: Mapping[Point, float],
    best: Point,
) -> None:
    x, y, *_ = axes
    rest = best[2:]
    values = np.array([[reranked[(a, b) + rest] for a in x] for b in y])
    mesh = place.pcolormesh(x, y, values, shading="nearest", cmap="viridis_r")
    figure.colorbar(mesh, ax=place, label="WER (%), reranked")
    known = [point for point in decoded if point[2:] == best[2:]]
    place.plot(
        [point[0] for point in known],
        [point[1] for point in known],
        "k.",
        label="decoded",
    )
    place.plot(best[0], best[1], "r*", markersize=12, label="taken")
