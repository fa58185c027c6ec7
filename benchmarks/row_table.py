"""What the rows of a study have come to, as a Markdown table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.config_load import read_yaml
from asr.errors import RecipeError
from asr.train.log_files import METRICS
from asr.train.metrics import read_metrics
from benchmarks.rows import Row, Study, scored_sets

NOTHING = "–"


@dataclass(frozen=True)
class Training:
    """What a training has cost so far.

    Attributes:
        hours: of audio heard, all epochs together.
        cpu_minutes: None where the log does not know.
        commit: at which it was begun.
    """

    epochs: int
    hours: float
    cpu_minutes: float | None
    commit: str


def read_training(exp: Path, data: Path) -> Training | None:
    """From the row's log; None before the first epoch has ended."""
    try:
        records = read_metrics(exp / "log" / METRICS)
    except RecipeError:
        return None
    epochs = [r for r in records if r["kind"] == "epoch"]
    if not epochs:
        return None
    count, cpu = len(epochs), epochs[-1].get("cpu")
    hours = count * hours_of(data / "fbank" / "train_index.tsv")
    commit, _, dirty = str(read_yaml(exp / "config.yaml")["commit"]).partition("-")
    commit = commit[:9] + ("-dirty" if dirty else "")
    return Training(count, hours, None if cpu is None else cpu / 60, commit)


def hours_of(index: Path) -> float:
    """Hours of all copies of the training set."""
    header, *rows = index.read_text("utf-8").splitlines()
    column = header.split("\t").index("duration")
    return sum(float(row.split("\t")[column]) for row in rows) / 3600


def read_rates(exp: Path, name: str) -> dict[str, str]:
    """Error rates of a set's decoders: words, or ``PER`` where phones were said."""
    rates = {}
    for file, mark in (("results.tsv", ""), ("results_phones.tsv", "PER ")):
        path = exp / f"decode_{name}" / file
        for line in path.read_text("utf-8").splitlines()[1:] if path.exists() else ():
            method, rate, *_ = line.split("\t")
            rates[method] = mark + rate
    return rates


def table(study: Study, rows: Sequence[Row], exp: Path, data: Path) -> str:
    """Markdown: a line a row; what is not there yet is a dash."""
    sets = list(reversed(scored_sets(study.rows[0])))  # the test sets first
    columns = ["row", "what differs"]
    columns += [f"{name}, {method}" for name in sets for method in study.decoders]
    columns += ["epochs", "audio h", "CPU min", "trained at"]
    lines = [columns, ["---"] * len(columns)]
    lines += [
        _cells(study, row, sets, exp / row.name, data / row.data_name) for row in rows
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(
    study: Study, row: Row, sets: Sequence[str], exp: Path, data: Path
) -> list[str]:
    cells = [row.name, row.about]
    for name in sets:
        rates = read_rates(exp, name)
        cells += [rates.get(method, NOTHING) for method in study.decoders]
    training = read_training(exp, data)
    if training is None:
        return [*cells, NOTHING, NOTHING, NOTHING, NOTHING]
    planned = row.config.train.max_epochs
    of = "" if training.epochs == planned else f" of {planned}"
    minutes = training.cpu_minutes
    cpu = NOTHING if minutes is None else f"{minutes:.1f}"
    return [
        *cells,
        f"{training.epochs}{of}",
        f"{training.hours:.1f}",
        cpu,
        training.commit,
    ]
