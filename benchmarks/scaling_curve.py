"""Word error rate against hours of training data: points, power law, and where it leads.

    python -m benchmarks.scaling_curve benchmarks/scaling.yaml OUT.png

after benchmarks/ablation.py has run the study's rows. See docs/ablation.md.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.errors import RecipeError
from benchmarks.row_table import read_rates
from benchmarks.rows import Row, load_study

ASKED = (100.0, 960.0)  # hours, of LibriSpeech
Point = tuple[float, float]  # hours, %WER


@dataclass(frozen=True)
class PowerLaw:
    """``%WER = scale * hours ** exponent``, least squares of the logarithms."""

    scale: float
    exponent: float

    def __call__(self, hours: float) -> float:
        return float(self.scale * hours**self.exponent)


def fit(points: Sequence[Point]) -> PowerLaw:
    """Fit at least two points of different hours.

    Raises:
        RecipeError: there are fewer.
    """
    if len({hours for hours, _ in points}) < 2:
        raise RecipeError("a power law needs two amounts of data that are done")
    x, y = np.log(np.array(points, np.float64)).T
    exponent, offset = np.polyfit(x, y, 1)
    return PowerLaw(float(np.exp(offset)), float(exponent))


def without_one(points: Sequence[Point], hours: float) -> tuple[float, float]:
    """Least and largest %WER at ``hours`` by the fits that each leave one point out."""
    parts = [[*points[:i], *points[i + 1 :]] for i in range(len(points))]
    found = [fit(part)(hours) for part in parts if len({h for h, _ in part}) > 1]
    return min(found), max(found)


def describe(method: str, points: Sequence[Point]) -> str:
    """The law in words, with what it says for more data and how firmly."""
    law = fit(points)
    known = ", ".join(f"{wer:.2f} at {hours:.2f} h" for hours, wer in points)
    lines = [f"{method}: %WER {known}"]
    lines.append(f"  fit: %WER = {law.scale:.1f} * hours^{law.exponent:.3f}")
    for hours in ASKED:
        line = f"  at {hours:g} h: {law(hours):.1f}"
        if len(points) > 2:
            low, high = without_one(points, hours)
            line += f" ({low:.1f} to {high:.1f} where one point is left out)"
        lines.append(line)
    most = max(hours for hours, _ in points)
    lines.append(
        f"  WARNING: an extrapolation to {ASKED[0] / most:.0f} and {ASKED[1] / most:.0f}"
        " times the data, by the same small model and training, which more data would "
        "not leave as they are: a direction, no forecast"
    )
    return "\n".join(lines)


def read_points(rows: Sequence[Row], exp: Path, data: Path, method: str) -> list[Point]:
    """Hours and %WER on the first test set, of the rows that are done, ascending."""
    points = []
    for row in rows:
        rate = read_rates(exp / row.name, row.config.corpus.test_sets[0]).get(method)
        if rate is not None and not rate.startswith("PER"):
            points.append((training_hours(data / row.data_name), float(rate)))
    return sorted(points)


def training_hours(data: Path) -> float:
    """Of recorded speech, without the copies that stage 2 makes."""
    with gzip.open(data / "manifests" / "train_cuts.jsonl.gz", "rt") as lines:
        return float(sum(json.loads(line)["duration"] for line in lines)) / 3600


def draw(curves: dict[str, list[Point]], path: Path) -> None:
    """Points and fitted laws on logarithmic axes as PNG; dashed beyond the points."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    from asr.plot.spectrogram import save_png

    figure = Figure(figsize=(7.2, 4.6), dpi=90)
    axes = figure.add_subplot()
    for number, (method, points) in enumerate(curves.items()):
        law, color = fit(points), f"C{number}"
        hours, rates = zip(*points, strict=True)
        axes.plot(hours, rates, "o", color=color, label=f"{method}, measured")
        inside = np.array([hours[0], hours[-1]])
        beyond = np.array([hours[-1], *ASKED])
        label = f"{law.scale:.0f} · hours^{law.exponent:.2f}"
        axes.plot(inside, [law(h) for h in inside], color=color, label=label)
        axes.plot(beyond, [law(h) for h in beyond], "--", color=color, linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel="hours of training speech")
    axes.xaxis.set_major_locator(FixedLocator((1, 2, 4, 7, 20, *ASKED)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    for formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        formatter(StrMethodFormatter("{x:g}"))
    axes.set_ylabel("%WER on the test set")
    axes.set_title("dashed: extrapolated, a direction and no forecast", fontsize=10)
    axes.grid(True, which="both", alpha=0.3)
    axes.legend(fontsize=8)
    save_png(figure, path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the laws and draw them; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("study", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--decoders", default="beam-lm hlg")
    parser.add_argument("--data-dir", type=Path, help="default: data/CORPUS/STUDY")
    parser.add_argument("--exp-dir", type=Path, help="default: exp/CORPUS/STUDY")
    options = parser.parse_args(arguments)
    try:
        study = load_study(options.study, None, [])
        where = Path(study.corpus) / study.name
        exp, data = options.exp_dir or "exp" / where, options.data_dir or "data" / where
        methods = options.decoders.split()
        curves = {m: read_points(study.rows, exp, data, m) for m in methods}
        for method, points in curves.items():
            print(describe(method, points))
        draw(curves, options.out)
    except RecipeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
