"""Names in a training's log folder, and its tables; loads nothing heavy."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from asr.atomic import write_text

METRICS, CURVES = "metrics.jsonl", "curves.png"
SAMPLES, SPECTROGRAMS, AUDIO = "samples", "spectrograms", "audio"
WANDB, WANDB_MESSAGES = "wandb", "wandb.log"
SAMPLES_HEADER = ("id", "decoder", "target", "prediction", "CER", "WER")


def write_table(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """Write tab-separated lines; no value may hold a tab or a line's end."""
    lines = ["\t".join(row) + "\n" for row in (header, *rows)]
    write_text(path, "".join(lines))


def read_table(path: Path) -> list[list[str]]:
    """The rows of a table, without its header."""
    lines = path.read_text("utf-8").split("\n")
    return [line.split("\t") for line in lines[1:] if line]
