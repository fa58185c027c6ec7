"""A model as one file: weights and what is needed to build it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from asr.errors import RecipeError
from asr.models import checkpoint
from asr.models.create import AcousticModel, create_model


@dataclass(frozen=True)
class ModelPackage:
    """A model with its tokens.

    Attributes:
        model: in evaluation mode, on the CPU.
        tokens: V tokens, blank first.
        num_features: F, bins that it takes.
        epochs: whose weights were averaged.
    """

    model: AcousticModel
    tokens: tuple[str, ...]
    num_features: int
    epochs: tuple[int, ...]


def save_package(
    path: Path,
    weights: Mapping[str, Tensor],
    *,
    name: str,
    options: Mapping[str, Any],
    num_features: int,
    tokens: Sequence[str],
    epochs: Sequence[int],
) -> None:
    """Write a model file atomically; arguments as in :func:`create_model`."""
    checkpoint.save(
        {
            "weights": weights,
            "name": name,
            "options": options,
            "num_features": num_features,
            "tokens": list(tokens),
            "epochs": list(epochs),
        },
        path,
    )


def load_package(path: Path) -> ModelPackage:
    """Build the model of a file that :func:`save_package` wrote.

    Raises:
        RecipeError: no such file, a damaged one, or one of another version.
    """
    try:
        content = checkpoint.load(path)
    except RecipeError as error:
        if not path.is_file():
            raise
        raise RecipeError(
            f"{error}; delete it and run the command that makes it again (of the "
            "recipe's: stage 7)"
        ) from error
    try:
        model = create_model(
            content["name"],
            content["num_features"],
            len(content["tokens"]),
            content["options"],
        )
        model.load_state_dict(content["weights"])
    except (KeyError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(f"{path}: not a model of this version ({reason})") from error
    return ModelPackage(
        model.eval(),
        tuple(content["tokens"]),
        content["num_features"],
        tuple(content["epochs"]),
    )
