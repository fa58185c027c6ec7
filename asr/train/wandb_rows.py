"""What W&B is given for the lines and files of a local log."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asr.train.log_files import (
    AUDIO,
    SAMPLES,
    SAMPLES_HEADER,
    SPECTROGRAMS,
    read_table,
)

STEP_KEYS = ("loss", "learning_rate", "gradient_norm", "throughput", "skipped")
EPOCH_KEYS = (
    *("dev_loss", "dev_cer", "dev_wer"),
    *("dev_perplexity", "dev_token_perplexity"),  # of a language model
)


def row_of(wandb: Any, folder: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """One line of ``metrics.jsonl`` and, at an epoch's end, what was written for it.

    Args:
        wandb: the package, which only one process loads.
        folder: of the local log.
    """
    row = scalars(record)
    if record["kind"] == "epoch":
        row |= _samples(wandb, folder / SAMPLES / f"epoch-{record['epoch']}.tsv")
        for split in ("train", "dev"):
            pattern = f"epoch-{record['epoch']}-{split}-*.png"
            pictures = sorted((folder / SPECTROGRAMS).glob(pattern))
            if pictures:
                row[f"spectrograms/{split}"] = [wandb.Image(str(p)) for p in pictures]
    return row


def scalars(record: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a line, named ``train/...`` and ``dev/...``; null is left out."""
    if record["kind"] == "step":
        row = {f"train/{key}": record[key] for key in STEP_KEYS}
    else:
        known = [key for key in EPOCH_KEYS if key in record]
        row = {f"dev/{key.removeprefix('dev_')}": record[key] for key in known}
        row["train/epoch_loss"] = record["train_loss"]
    row["epoch"] = record["epoch"]
    return {key: value for key, value in row.items() if value is not None}


def _samples(wandb: Any, path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    rows = [[*row[:4], float(row[4]), float(row[5])] for row in read_table(path)]
    return {"samples": wandb.Table(columns=list(SAMPLES_HEADER), data=rows)}


def audio(wandb: Any, folder: Path) -> list[Any]:
    """Training audio before and after augmentation, as far as there is any."""
    index = folder / AUDIO / "index.tsv"
    if not index.exists():
        return []
    return [
        wandb.Audio(str(folder / AUDIO / file), caption=f"{id_}: {text}")
        for file, id_, text in read_table(index)
    ]
