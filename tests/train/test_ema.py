"""The moving average of the weights, against its formula."""

import pytest
import torch

from asr.train.ema import Ema


def test_follows_the_formula_and_forgets_the_start_quickly() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    values = [1.0, 5.0, -2.0, 7.0]
    torch.nn.init.constant_(model.weight, values[0])
    ema, expected = Ema(model, 0.3), values[0]
    for step, value in enumerate(values[1:]):
        torch.nn.init.constant_(model.weight, value)
        ema.update(step)
        decay = min(0.3, (1 + step) / (10 + step))  # 0.1, 0.18, 0.25
        expected = decay * expected + (1 - decay) * value
    assert ema.weights["weight"].item() == pytest.approx(expected)


def test_applied_within_and_taken_back_after() -> None:
    model = torch.nn.BatchNorm1d(2)
    ema = Ema(model, 0.9)
    model(torch.randn(4, 2) + 3)
    torch.nn.init.constant_(model.weight, 8.0)
    own = {name: v.clone() for name, v in model.state_dict().items()}
    with pytest.raises(KeyError), ema.applied():
        assert model.weight.tolist() == [1.0, 1.0]
        raise KeyError
    for name, value in model.state_dict().items():
        assert torch.equal(value, own[name])
    ema.update(0)
    assert int(ema.weights["num_batches_tracked"]) == 1
