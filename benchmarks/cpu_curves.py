"""Dev error against the CPU hours that training has cost: a line for each experiment.

    python -m benchmarks.cpu_curves OUT.png [LABEL=]EXP ...

Reads each experiment's ``log/metrics.jsonl`` and ``config.yaml``. See docs/ablation.md.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.config_load import read_yaml
from asr.errors import RecipeError
from asr.train.log_files import METRICS
from asr.train.metrics import read_metrics


@dataclass(frozen=True)
class Curve:
    """One training.

    Attributes:
        measure: what is counted, errors in words or in phones: never on one axis.
        hours: of CPU, at the end of each epoch.
        errors: in percent, greedy, on dev.
    """

    label: str
    measure: str
    hours: tuple[float, ...]
    errors: tuple[float, ...]


def read_curve(text: str) -> Curve:
    """Read ``[LABEL=]EXP``; by default the label tells folder, model, units and loss.

    Raises:
        RecipeError: no log, no finished epoch, or a log without CPU time.
    """
    label, _, folder = text.rpartition("=")
    exp = Path(folder)
    records = [r for r in read_metrics(exp / "log" / METRICS) if r["kind"] == "epoch"]
    if not records:
        raise RecipeError(f"{exp}: no epoch has ended yet")
    if any(r.get("cpu") is None for r in records):
        raise RecipeError(
            f"{exp}: its log has no CPU time; it was begun by an older version"
        )
    config = read_yaml(exp / "config.yaml")
    kind = config["tokenizer"]["kind"]
    return Curve(
        label or f"{exp.name}: {_label(config)}",
        "phone errors" if kind == "phone" else "word errors",
        tuple(r["cpu"] / 3600 for r in records),
        tuple(100 * r["dev_wer"] for r in records),
    )


def _label(config: dict[str, Any]) -> str:
    train = config["train"]
    parts = (config["model"]["name"], config["tokenizer"]["kind"], train["loss"])
    return ", ".join(parts)


def describe(curve: Curve) -> str:
    """One line: the best epoch, and what the training had cost until then and in all."""
    best = min(curve.errors)
    at = curve.hours[curve.errors.index(best)]
    return (
        f"{curve.label}: {best:.2f} % {curve.measure} on dev after {at:.2f} CPU hours, "
        f"{len(curve.hours)} epochs, {curve.hours[-1]:.2f} CPU hours in all"
    )


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Draw a panel for word errors and one for phone errors, if there are such."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import StrMethodFormatter

    from asr.plot.spectrogram import save_png

    measures = sorted({curve.measure for curve in curves}, reverse=True)
    figure = Figure(figsize=(1.0 + 5.2 * len(measures), 4.4), dpi=90)
    panels = figure.subplots(1, len(measures), squeeze=False)[0]
    for axes, measure in zip(panels, measures, strict=True):
        for curve in curves:
            if curve.measure == measure:
                minutes = [60 * hours for hours in curve.hours]
                axes.plot(
                    minutes, curve.errors, marker="o", markersize=3, label=curve.label
                )
        axes.set(xscale="log", yscale="log", xlabel="CPU minutes of training")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.set_minor_formatter(StrMethodFormatter("{x:g}"))
        axes.set_ylabel(f"{measure} on dev, greedy, %")
        axes.grid(True, which="both", alpha=0.3)
        axes.legend(fontsize=8)
    save_png(figure, path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each experiment and draw them; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("out", type=Path)
    parser.add_argument("experiments", nargs="+", metavar="[LABEL=]EXP")
    options = parser.parse_args(arguments)
    try:
        curves = [read_curve(text) for text in options.experiments]
    except RecipeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    for curve in curves:
        print(describe(curve))
    draw(curves, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
