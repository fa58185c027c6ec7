"""Models by name, for checkpoints and the command line."""

from collections.abc import Mapping
from typing import Any

from asr.errors import UsageError
from asr.models.conformer import Conformer
from asr.models.deepspeech2 import DeepSpeech2
from asr.models.tdnnf import Tdnnf

MODELS = {"conformer": Conformer, "deepspeech2": DeepSpeech2, "tdnnf": Tdnnf}

AcousticModel = Conformer | DeepSpeech2 | Tdnnf


def create_model(
    name: str, num_features: int, vocab_size: int, options: Mapping[str, Any]
) -> AcousticModel:
    """Build ``MODELS[name]`` with its own keyword options.

    Raises:
        KeyError: no model has this name.
        TypeError: the model has no such option.
        UsageError: a size that cannot be.
    """
    for option, value in options.items():
        if isinstance(value, int | float) and value < (option != "dropout"):
            raise UsageError(f"model.{option}={value}: too small")
    try:
        model: AcousticModel = MODELS[name](num_features, vocab_size, **options)
    except (ValueError, RuntimeError) as error:
        raise UsageError(f"model.*: {error}") from error
    return model
