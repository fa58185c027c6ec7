"""Fine-tuning begins with the layers that fit."""

from pathlib import Path

import pytest
import torch

from asr.errors import RecipeError
from asr.models import checkpoint
from asr.models.create import AcousticModel, create_model
from asr.models.package import save_package
from asr.models.weights_file import save_weights
from asr.text.tokenizer import write_tokens
from asr.train.init_from import init_from, say_other_level
from tests.train.toy import BINS, toy_config, toy_trainer

TOKENS = ["<blk>", "<unk>", "A", "B"]


def small(vocab_size: int = len(TOKENS), num_layers: int = 2) -> AcousticModel:
    options = {"dim": 8, "num_layers": num_layers, "num_heads": 2, "ff_dim": 16}
    return create_model("conformer", BINS, vocab_size, options)


def equal(a: AcousticModel, b: AcousticModel, name: str) -> bool:
    return torch.equal(a.state_dict()[name], b.state_dict()[name])


def packed(path: Path, model: AcousticModel, tokens: list[str]) -> Path:
    save_package(
        path,
        model.state_dict(),
        name="conformer",
        options={},
        num_features=BINS,
        tokens=tokens,
        epochs=[1],
    )
    return path


def test_weights_of_a_finished_model_s_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = small()
    save_weights(theirs.state_dict(), tmp_path / "weights.npz")
    write_tokens(TOKENS, tmp_path / "lang/tokens.txt")
    for tokens, anew in ((TOKENS, "none"), (TOKENS[::-1], "output.weight")):
        ours = small()
        init_from(ours, tmp_path / "weights.npz", tokens)
        assert f"begun anew: {anew}" in capsys.readouterr().out
        weight = theirs.state_dict()["layers.1.attention.qkv.weight"]
        taken = ours.state_dict()["layers.1.attention.qkv.weight"]
        assert torch.equal(taken, weight.half().float())


@pytest.mark.parametrize(
    ("saved", "level", "said"),
    [
        ("fbank: {level: -24.0}", -24.0, ""),
        ("fbank: {level: -24}", None, "fbank.level=-24, this training has null"),
        ("fbank: {dtype: float16}", None, ""),  # of before there were levels
        ("fbank: {dtype: float16}", -24.0, "fbank.level=null, this training has -24.0"),
    ],
)
@pytest.mark.parametrize("name", ["weights.npz", "checkpoints/epoch-1.pt"])
def test_another_level_is_told(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    saved: str,
    level: float | None,
    said: str,
    name: str,
) -> None:
    (tmp_path / "config.yaml").write_text(saved)
    say_other_level(tmp_path / name, level)
    out = capsys.readouterr().out
    assert said in out and bool(said) == bool(out)
    say_other_level(tmp_path / "elsewhere" / "x.pt", level)
    assert not capsys.readouterr().out


def test_other_tokenizer_and_depth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs, ours = small(7, num_layers=3), small()
    fresh = ours.state_dict()["output.weight"].clone()
    checkpoint.save(theirs.state_dict(), tmp_path / "epoch-3.pt")
    init_from(ours, tmp_path / "epoch-3.pt", TOKENS)
    assert equal(ours, theirs, "layers.1.attention.qkv.weight")
    assert torch.equal(ours.state_dict()["output.weight"], fresh)
    said = capsys.readouterr().out
    assert "output.weight (shape (7, 8), here (4, 8))" in said
    assert "in the file only: layers.2\n" in said
    assert "taken: subsampling.conv1, subsampling.conv2, subsampling.proj, " in said
    assert "layers.0, layers.1\n" in said


@pytest.mark.parametrize(("tokens", "taken"), [(TOKENS, True), (TOKENS[::-1], False)])
def test_equal_shape_is_not_enough_for_the_output(
    tmp_path: Path, tokens: list[str], taken: bool
) -> None:
    theirs, ours = small(), small()
    init_from(ours, packed(tmp_path / "averaged.pt", theirs, tokens), TOKENS)
    assert equal(ours, theirs, "subsampling.proj.weight")
    assert equal(ours, theirs, "output.weight") == taken


def test_last_checkpoint_gives_its_averaged_weights(tmp_path: Path) -> None:
    trainer = toy_trainer(
        tmp_path, tmp_path / "c", toy_config(max_epochs=1, ema_decay=0.5)
    )
    trainer.run()
    other = toy_trainer(tmp_path, tmp_path / "d", toy_config())
    init_from(
        other.model, tmp_path / "c" / "last.pt", trainer.dev_check.tokenizer.tokens
    )
    assert trainer.stepper.ema is not None
    for name, value in trainer.stepper.ema.weights.items():
        assert torch.equal(other.model.state_dict()[name], value)


def test_nothing_that_fits_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    checkpoint.save({"weights_of_something": torch.ones(2)}, path)
    with pytest.raises(RecipeError, match="no layer fits"):
        init_from(small(), path, TOKENS)
