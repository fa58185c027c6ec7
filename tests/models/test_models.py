"""Acoustic models: lengths, padding, precision."""

import pytest
import torch
from torch import Tensor

from asr.errors import UsageError
from asr.models.attention import relative_positions
from asr.models.create import AcousticModel, create_model
from asr.models.deepspeech2 import flip_by_length
from asr.models.tdnnf import Tdnnf

SMALL = {
    "conformer": {
        "dim": 16,
        "num_layers": 2,
        "num_heads": 2,
        "ff_dim": 32,
        "kernel_size": 5,
        "conv_channels": 4,
    },
    "deepspeech2": {"conv_channels": 4, "rnn_dim": 16, "num_layers": 2},
    "deepspeech2-lstm": {
        "conv_channels": 4,
        "rnn": "lstm",
        "rnn_dim": 16,
        "num_layers": 2,
    },
    "tdnnf": {"dim": 16, "bottleneck": 8, "strides": (1, 2, 3)},
    "tdnnf-4": {"dim": 16, "bottleneck": 8, "strides": (1, 2), "subsampling": 4},
}


def make(name: str, bins: int = 20, vocab: int = 7) -> AcousticModel:
    torch.manual_seed(0)
    return create_model(name.split("-")[0], bins, vocab, SMALL[name])


@pytest.fixture(params=sorted(SMALL))
def model(request: pytest.FixtureRequest) -> AcousticModel:
    return make(request.param)


def warm(model: AcousticModel) -> AcousticModel:
    """Give batch norm statistics, and the output layer weights, that are not initial.

    Output weights that are zero, as TDNN-F begins with, hide all that comes before.
    """
    output = [m for m in model.modules() if isinstance(m, torch.nn.Linear)][-1]
    torch.nn.init.normal_(output.weight, std=0.3)
    model(torch.randn(4, 50, 20), torch.tensor([50, 40, 30, 20]))
    return model.eval()


@pytest.mark.parametrize("padding", [0.0, 1e4, float("nan")])
def test_batched_equals_single_whatever_the_padding(
    model: AcousticModel, padding: float
) -> None:
    warm(model)
    lengths = torch.tensor([61, 37, 4, 1])
    features = torch.randn(4, 61, 20)
    for row, length in zip(features, lengths, strict=True):
        row[length:] = padding
    batched, out_lengths = model(features, lengths)
    for i, length in enumerate(lengths.tolist()):
        single, n = model(features[i : i + 1, :length], lengths[i : i + 1])
        assert n.item() == out_lengths[i].item() == single.size(1)
        torch.testing.assert_close(batched[i, : single.size(1)], single[0])


@pytest.mark.parametrize("frames", range(1, 30))
def test_output_lengths_are_those_of_the_output(
    model: AcousticModel, frames: int
) -> None:
    warm(model)
    log_probs, lengths = model(torch.randn(1, frames, 20), torch.tensor([frames]))
    step = model.subsampling if isinstance(model, Tdnnf) else 4
    assert log_probs.size(1) == lengths.item() == -(-frames // step)
    assert model.output_lengths(torch.tensor([frames])).item() == -(-frames // step)


def test_rows_are_log_probabilities(model: AcousticModel) -> None:
    log_probs, _ = model(torch.randn(2, 30, 20), torch.tensor([30, 9]))
    assert log_probs.dtype == torch.float32
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(log_probs.shape[:2]))


def test_training_statistics_ignore_padding(model: AcousticModel) -> None:
    """The gradient of a batch must not depend on what the padding holds."""
    torch.manual_seed(1)
    features = torch.randn(2, 40, 20)
    lengths = torch.tensor([40, 21])

    def gradient(padding: float) -> Tensor:
        features[1, 21:] = padding
        model.zero_grad()
        torch.manual_seed(2)  # the same dropout
        log_probs, out = model(features, lengths)
        (log_probs[0].sum() + log_probs[1, : out[1]].sum()).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    torch.testing.assert_close(gradient(0.0), gradient(50.0))


def need_bfloat16(model: AcousticModel) -> None:
    """Skip where this torch cannot run the model in bfloat16 on this processor.

    oneDNN's LSTM cannot on processors without bfloat16 instructions; the trainer's
    ``precision: auto`` then takes float32.
    """
    try:
        with torch.autocast("cpu", torch.bfloat16):
            model(torch.randn(1, 40, 20), torch.tensor([40]))
    except RuntimeError as error:
        if "could not create a primitive" not in str(error):
            raise
        pytest.skip(f"no bfloat16 here: {error}")


def test_bfloat16_autocast_is_close_to_float32(model: AcousticModel) -> None:
    need_bfloat16(model)
    warm(model)
    features, lengths = torch.randn(2, 40, 20), torch.tensor([40, 31])
    exact, _ = model(features, lengths)
    with torch.autocast("cpu", torch.bfloat16):
        coarse, _ = model(features, lengths)
    assert coarse.dtype == torch.float32
    assert (coarse.exp() - exact.exp()).abs().max() < 0.05


def test_bfloat16_trains(model: AcousticModel) -> None:
    need_bfloat16(model)
    with torch.autocast("cpu", torch.bfloat16):
        log_probs, _ = model(torch.randn(2, 40, 20), torch.tensor([40, 31]))
    log_probs[..., 1].mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_relative_positions_are_sinusoids_of_the_distance() -> None:
    table = relative_positions(3, 4, torch.zeros(1))
    assert table.shape == (5, 4)
    assert torch.allclose(table[2], torch.tensor([0.0, 1.0, 0.0, 1.0]))  # distance 0
    assert torch.allclose(table[0, 0], torch.tensor(2.0).sin())


def test_flip_by_length_is_its_own_inverse() -> None:
    x = torch.randn(3, 6, 2)
    lengths = torch.tensor([6, 4, 1])
    flipped = flip_by_length(x, lengths)
    assert torch.equal(flipped[1, :4], x[1, :4].flip(0))
    assert torch.equal(flipped[1, 4:], x[1, 4:])
    assert torch.equal(flip_by_length(flipped, lengths), x)


def test_impossible_options_are_refused() -> None:
    with pytest.raises(UsageError, match="multiple"):
        create_model("conformer", 20, 7, {**SMALL["conformer"], "num_heads": 3})
    with pytest.raises(UsageError, match="odd"):
        create_model("conformer", 20, 7, {**SMALL["conformer"], "kernel_size": 4})
    with pytest.raises(UsageError, match="gru"):
        create_model("deepspeech2", 20, 7, {**SMALL["deepspeech2"], "rnn": "tanh"})
    with pytest.raises(UsageError, match="strides"):
        create_model("tdnnf", 20, 7, {**SMALL["tdnnf"], "strides": (1, 0)})
