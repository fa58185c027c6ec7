"""The curves of one training as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from asr.atomic import atomic_path
from asr.plot.spectrogram import METADATA

MAX_POINTS = 600  # of one curve; more are averaged in groups

Record = Mapping[str, Any]  # a line of metrics.jsonl
Curve = tuple[NDArray[np.float64], NDArray[np.float64]]  # (N,) steps, (N,) values


def draw_curves(records: Sequence[Record], path: Path) -> None:
    """Draw loss, error rates, learning rate, gradient norm and throughput as PNG.

    Args:
        records: lines of ``metrics.jsonl``: ``kind`` is ``step`` or ``epoch``, the
            x axis is ``step``; values that are null are left out.
    """
    steps = [r for r in records if r["kind"] == "step"]
    epochs = [r for r in records if r["kind"] == "epoch"]
    figure = Figure(figsize=(12.0, 6.4), dpi=90)
    axes = figure.subplots(2, 3).flat
    _loss(axes[0], steps, epochs)
    of_text = any("dev_perplexity" in r for r in epochs)
    (_perplexity if of_text else _error_rates)(axes[1], epochs)
    for place, key, title in (
        (axes[2], "learning_rate", "learning rate"),
        (axes[3], "gradient_norm", "gradient norm"),
        (
            axes[4],
            "throughput",
            f"{'tokens' if of_text else 'seconds of audio'} a second",
        ),
        (axes[5], "skipped", "steps skipped so far"),
    ):
        _plot(place, steps, key, title)
        place.set_title(title, fontsize=10)
    axes[3].set_yscale("log")
    for place in axes:
        place.set_xlabel("step", fontsize=8)
        place.set_xlim(0, max([1, *(r["step"] for r in records)]))
        place.tick_params(which="both", labelsize=8)
        place.grid(alpha=0.3)
    for place in axes[1], axes[2], axes[4], axes[5]:
        highest = place.get_ylim()[1] if place is not axes[5] else _skipped(steps)
        place.set_ylim(-0.03 * highest, 1.05 * highest)  # a line at 0 is seen too
    # Fixed margins: to fit them to the labels would draw everything twice.
    figure.subplots_adjust(0.05, 0.08, 0.985, 0.94, wspace=0.2, hspace=0.32)
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", metadata=METADATA)


def _skipped(steps: Sequence[Record]) -> float:
    return max([1.0, *(float(r["skipped"]) for r in steps)])


def _loss(axes: Axes, steps: Sequence[Record], epochs: Sequence[Record]) -> None:
    """On a logarithmic axis, where a loss goes down in a straight line for long."""
    _plot(axes, steps, "loss", "train, with augmentation")
    _plot(axes, epochs, "dev_loss", "dev", marker="o")
    axes.set_title("loss a token (ln)", fontsize=10)
    axes.set_yscale("log")
    axes.legend(fontsize=8)


def _error_rates(axes: Axes, epochs: Sequence[Record]) -> None:
    for key, name in (("dev_wer", "WER"), ("dev_cer", "CER")):
        _plot(axes, epochs, key, name, marker="o", scale=100.0)
    axes.set_title("dev, greedy, %", fontsize=10)
    axes.legend(fontsize=8)


def _perplexity(axes: Axes, epochs: Sequence[Record]) -> None:
    _plot(axes, epochs, "dev_perplexity", "a word", marker="o")
    axes.set_title("dev perplexity", fontsize=10)
    axes.legend(fontsize=8)


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
    """The (step, value) pairs of ``key``, where there is a value."""
    known = [(r["step"], r[key]) for r in records if r.get(key) is not None]
    x, y = np.array(known, np.float64).reshape(-1, 2).T
    return x, y


def thinned(points: Curve, most: int = MAX_POINTS) -> Curve:
    """At most ``most`` points, each the mean of a group of neighbours."""
    x, y = points
    if len(x) <= most:
        return points
    begins = np.linspace(0, len(x), most, endpoint=False).astype(np.int64)
    sizes = np.diff(np.append(begins, len(x)))
    return np.add.reduceat(x, begins) / sizes, np.add.reduceat(y, begins) / sizes
