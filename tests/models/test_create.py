"""Models by name."""

from collections.abc import Mapping
from typing import Any

import pytest

from asr.errors import UsageError
from asr.models.create import MODELS, create_model

SMALL: dict[str, dict[str, Any]] = {
    "conformer": {"dim": 8, "num_layers": 1, "num_heads": 2, "ff_dim": 8},
    "deepspeech2": {"rnn_dim": 8, "num_layers": 1, "conv_channels": 2},
    "tdnnf": {"dim": 8, "bottleneck": 4, "strides": (1, 2)},
}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_is_made(name: str) -> None:
    assert type(create_model(name, 20, 5, SMALL[name])) is MODELS[name]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 9}, "9"),
        ({"dim": -4}, r"model\.dim=-4: too small"),
        ({"num_layers": 0}, r"model\.num_layers=0: too small"),
        ({"dropout": -0.1}, r"model\.dropout=-0\.1: too small"),
        ({"dropout": 1.5}, "dropout"),
        ({"kernel_size": 4}, "kernel_size 4 is not odd"),
    ],
)
def test_sizes_that_cannot_be(options: Mapping[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        create_model("conformer", 20, 5, SMALL["conformer"] | options)
