"""Between the weights that a training began with and those that it ended with."""

from pathlib import Path

import pytest
import torch

from asr.errors import RecipeError
from asr.models import checkpoint
from asr.train.average import mix

ENDED = {"a.weight": torch.tensor([1.0, 2.0]), "count": torch.tensor(7)}


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, [1.0, 2.0]), (0.25, [1.5, 1.5]), (1.0, [3.0, 0.0])]
)
def test_a_share_of_each(tmp_path: Path, share: float, expected: list[float]) -> None:
    began = {"a.weight": torch.tensor([3.0, 0.0]), "count": torch.tensor(2)}
    checkpoint.save({**began, "more": torch.ones(2)}, tmp_path / "epoch-1.pt")
    mixed = mix(ENDED, tmp_path / "epoch-1.pt", share)
    assert mixed.keys() == ENDED.keys()
    assert torch.equal(mixed["a.weight"], torch.tensor(expected))
    assert mixed["count"] == 7
    assert torch.equal(ENDED["a.weight"], torch.tensor([1.0, 2.0]))


@pytest.mark.parametrize("other", [{"count": 1}, {"a.weight": torch.ones(3)}])
def test_other_layers_are_told(tmp_path: Path, other: dict[str, object]) -> None:
    checkpoint.save(other, tmp_path / "epoch-1.pt")
    with pytest.raises(RecipeError, match=r"init_share=0.5 needs all .* a.weight is"):
        mix(ENDED, tmp_path / "epoch-1.pt", 0.5)
