"""The weights of the best epochs, averaged."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from asr.errors import RecipeError
from asr.models.checkpoint import average, load
from asr.train.init_from import read_weights


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


def mix(weights: Mapping[str, Tensor], first: Path, share: float) -> dict[str, Tensor]:
    """Weights between the trained ones and those that the training began with.

    Wortsman et al., "Robust fine-tuning of zero-shot models" (CVPR 2022): as both lie in
    one valley, what is between them is often better than either.

    Args:
        first: the file of ``--init-from``.
        share: of its weights, 0 to 1.

    Raises:
        RecipeError: it has not all of the layers in the same sizes.
    """
    others, _ = read_weights(first)
    for name, value in weights.items():
        if name not in others or others[name].shape != value.shape:
            raise RecipeError(
                f"{first}: tune.init_share={share} needs all of its weights, and {name} "
                "is another there; use 0"
            )
    mixed = dict(weights)
    for name, value in weights.items():
        if value.is_floating_point():
            both = share * others[name].double() + (1 - share) * value.double()
            mixed[name] = both.to(value.dtype)
    return mixed
