"""Stands for the recipe's stages: writes the files that the tables read."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_data(data: Path, hours: Sequence[float]) -> None:
    """Utterances of so many hours, and two copies of each."""
    (data / "manifests").mkdir(parents=True, exist_ok=True)
    with gzip.open(data / "manifests/train_cuts.jsonl.gz", "wt") as file:
        for number, part in enumerate(hours):
            file.write(json.dumps({"id": f"{number}", "duration": 3600 * part}) + "\n")
    rows = [f"{n}\t{3600 * part}\t0" for n, part in enumerate([*hours, *hours])]
    write(data / "fbank/train_index.tsv", "\n".join(["id\tduration\tx", *rows]) + "\n")


def write_training(
    exp: Path,
    errors: Sequence[float],
    cpu: Sequence[float | None],
    kind: str = "char",
    commit: str = COMMIT,
) -> None:
    """Two steps and the end of each epoch."""
    records: list[dict[str, object]] = []
    for number, (error, seconds) in enumerate(zip(errors, cpu, strict=True)):
        records += [
            {"kind": "step", "step": 2 * number + n, "epoch": 1} for n in (1, 2)
        ]
        end = {"kind": "epoch", "step": 2 * number + 2, "epoch": number + 1}
        records.append({**end, "dev_wer": error, "cpu": seconds})
    write(exp / "log/metrics.jsonl", "".join(json.dumps(r) + "\n" for r in records))
    config = {"model": "tdnnf", "units": kind, "loss": "mmi"}
    write(
        exp / "config.yaml",
        f"commit: {commit}\nmodel: {{name: {config['model']}}}\n"
        f"tokenizer: {{kind: {kind}}}\ntrain: {{loss: {config['loss']}}}\n",
    )


def write_rates(
    exp: Path, name: str, words: dict[str, float], phones: str = ""
) -> None:
    """``results.tsv`` of a set, and a phone error rate of 7.5 of one decoder."""
    lines = [
        "method\twer\tcer",
        *(f"{m}\t{rate:.2f}\t1.00" for m, rate in words.items()),
    ]
    write(exp / f"decode_{name}/results.tsv", "\n".join(lines) + "\n")
    if phones:
        lines = ["method\tper\tins", f"{phones}\t7.50\t1"]
        write(exp / f"decode_{name}/results_phones.tsv", "\n".join(lines) + "\n")
