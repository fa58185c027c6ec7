"""A log over the toy set, and how two logs are compared."""

import json
from pathlib import Path
from typing import Any

from asr.train.file_log import FileLog
from asr.train.illustrate import Illustrator
from asr.train.loop import Trainer
from asr.train.metrics import TIMES


def toy_log(folder: Path, trainer: Trainer, every_steps: int = 2) -> FileLog:
    """Everything that stage 6 writes, but for the audio."""
    illustrator = Illustrator(
        folder,
        trainer.dev_check.dev,
        trainer.dev_check.tokenizer.tokens,
        samples=3,
        spectrograms=1,
        beam_size=4,
        seed=1,
        examples=lambda folder: None,
    )
    return FileLog(folder, every_steps, illustrator)


def records(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def content(folder: Path) -> dict[str, Any]:
    """All that must not differ between two runs of one training."""
    files: dict[str, Any] = {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name not in ("metrics.jsonl", "curves.png")
    }
    timeless = [
        {key: value for key, value in record.items() if key not in TIMES}
        for record in records(folder)
    ]
    return files | {"metrics.jsonl": timeless}
