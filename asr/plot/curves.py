"""Curves of a training, and the error rate over a decoder's scales."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from asr.atomic import atomic_path
from asr.plot.spectrogram import METADATA, save_png

MAX_POINTS = 600  # of one curve; more are averaged in groups

Record = Mapping[str, Any]  # a line of metrics.jsonl
Curve = tuple[NDArray[np.float64], NDArray[np.float64]]  # (N,) steps, (N,) values
Scales = tuple[float, ...]
Surface = Mapping[Scales, float]  # %WER


def draw_curves(records: Sequence[Record], path: Path) -> None:
    """Draw loss, error rates, learning rate, gradient norm and throughput as PNG.

    Args:
        records: lines of ``metrics.jsonl``: ``kind`` is ``step`` or ``epoch``, the
            x axis is ``step``; values that are null are left out.
    """
    steps = [r for r in records if r["kind"] == "step"]
    epochs = [r for r in records if r["kind"] == "epoch"]
    figure = Figure(figsize=(12.0, 6.4), dpi=90)
    loss, dev, rate, norm, speed, skipped = axes = list(figure.subplots(2, 3).flat)
    _plot(loss, steps, "loss", "train, with augmentation")
    _plot(loss, epochs, "dev_loss", "dev", marker="o")
    loss.set_title("loss a token (ln)", fontsize=10)
    loss.set_yscale("log")  # a loss goes down in a straight line for long
    of_text = any("dev_perplexity" in r for r in epochs)
    if of_text:
        _plot(dev, epochs, "dev_perplexity", "a word", marker="o")
        dev.set_title("dev perplexity", fontsize=10)
    else:
        _plot(dev, epochs, "dev_wer", "WER", marker="o", scale=100.0)
        _plot(dev, epochs, "dev_cer", "CER", marker="o", scale=100.0)
        dev.set_title("dev, greedy, %", fontsize=10)
    for place in loss, dev:
        place.legend(fontsize=8)
    unit = "tokens" if of_text else "seconds of audio"
    for place, key, title in (
        (rate, "learning_rate", "learning rate"),
        (norm, "gradient_norm", "gradient norm"),
        (speed, "throughput", f"{unit} a second"),
        (skipped, "skipped", "steps skipped so far"),
    ):
        _plot(place, steps, key, title)
        place.set_title(title, fontsize=10)
    norm.set_yscale("log")
    for place in axes:
        place.set_xlabel("step", fontsize=8)
        place.set_xlim(0, max([1, *(r["step"] for r in records)]))
        place.tick_params(which="both", labelsize=8)
        place.grid(alpha=0.3)
    most_skipped = max([1.0, *(float(r["skipped"]) for r in steps)])
    for place in dev, rate, speed, skipped:
        highest = most_skipped if place is skipped else place.get_ylim()[1]
        place.set_ylim(-0.03 * highest, 1.05 * highest)  # a line at 0 is seen too
    # Fixed margins: to fit them to the labels would draw everything twice.
    figure.subplots_adjust(0.05, 0.08, 0.985, 0.94, wspace=0.2, hspace=0.32)
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", metadata=METADATA)


def _plot(
    axes: Axes,
    records: Sequence[Record],
    key: str,
    label: str,
    marker: str | None = None,
    scale: float = 1.0,
) -> None:
    x, y = thinned(curve(records, key))
    axes.plot(x, scale * y, label=label, marker=marker, markersize=3, linewidth=1)


def curve(records: Sequence[Record], key: str) -> Curve:
    """Collect the (step, value) pairs of ``key``, where there is a value."""
    known = [(r["step"], r[key]) for r in records if r.get(key) is not None]
    x, y = np.array(known, np.float64).reshape(-1, 2).T
    return x, y


def thinned(points: Curve, most: int = MAX_POINTS) -> Curve:
    """Reduce to at most ``most`` points, each the mean of a group of neighbours."""
    x, y = points
    if len(x) <= most:
        return points
    begins = np.linspace(0, len(x), most, endpoint=False).astype(np.int64)
    sizes = np.diff(np.append(begins, len(x)))
    return np.add.reduceat(x, begins) / sizes, np.add.reduceat(y, begins) / sizes


def draw_scales(
    path: Path,
    title: str,
    axes: Mapping[str, Scales],
    reranked: Surface,
    decoded: Surface,
    best: Scales,
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
    known = sorted(point for point in decoded if point[2:] == best[2:])
    if len(axes) == 1:
        line = sorted(reranked)
        heights = [reranked[point] for point in line]
        place.plot([x for (x,) in line], heights, linewidth=1, label="reranked")
        heights, taken = [decoded[point] for point in known], decoded[best]
        place.grid(alpha=0.3)
        place.set_ylabel("WER (%)")
    else:
        x, y, *_ = axes.values()
        values = np.array([[reranked[(a, b) + best[2:]] for a in x] for b in y])
        mesh = place.pcolormesh(x, y, values, shading="nearest", cmap="viridis_r")
        figure.colorbar(mesh, ax=place, label="WER (%), reranked")
        heights, taken = [point[1] for point in known], best[1]
        place.set_ylabel(list(axes)[1])
    place.plot([point[0] for point in known], heights, "k.", label="decoded")
    place.plot(best[0], taken, "r*", markersize=12, label="taken")
    place.set_xlabel(next(iter(axes)))
    place.set_title(title, fontsize=10)
    place.legend(fontsize=8)
    save_png(figure, path)
