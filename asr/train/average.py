"""The weights of the best epochs, averaged."""

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from asr.errors import RecipeError
from asr.models.checkpoint import average, load


def average_best(folder: Path, number: int) -> tuple[dict[str, Tensor], list[int]]:
    """Average the ``number`` epochs that were best on dev.

    Args:
        folder: of the checkpoints, with the ``best.json`` of a finished training.
        number: epochs to take, at least 1; all if fewer were kept.

    Returns:
        The mean weights, and the epochs in order.

    Raises:
        RecipeError: the training is not finished, or a checkpoint is damaged.
    """
    if number < 1:
        raise RecipeError(f"tune.average={number}: at least one epoch is needed")
    path = folder / "best.json"
    if not path.is_file():
        raise RecipeError(f"{path}: not found; run stage 6 (train) to its end")
    best: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    epochs = sorted(int(item["epoch"]) for item in best[:number])
    return average([load(folder / f"epoch-{epoch}.pt") for epoch in epochs]), epochs
