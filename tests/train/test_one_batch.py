"""One batch is learned by heart, or it is said that it was not."""

from pathlib import Path

import numpy as np
import pytest

from asr.errors import RecipeError
from asr.train import one_batch
from asr.train.one_batch import learn_one_batch
from tests.train.toy import MASKS, toy_config, toy_trainer


@pytest.mark.parametrize("model", ["conformer", "deepspeech2", "tdnnf"])
def test_learned_with_the_settings_of_a_real_training(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = toy_config(batch_seconds=7.0, learning_rate=5e-3, spec_augment=MASKS)
    trainer = toy_trainer(tmp_path, tmp_path / "c", config, number=8, model=model)
    steps = learn_one_batch(
        trainer.model, trainer.train, trainer.dev_check.tokenizer, config
    )
    assert steps < one_batch.STEPS
    last = capsys.readouterr().out.splitlines()[-1]
    assert f"step {steps}: loss 0.0" in last and "WER 0.0 %" in last
    assert not (tmp_path / "c").exists()


def test_learned_by_mmi(tmp_path: Path) -> None:
    config = toy_config(batch_seconds=4.0, learning_rate=1e-2, loss="mmi")
    trainer = toy_trainer(tmp_path, tmp_path / "c", config, number=4, model="tdnnf")
    tokenizer = trainer.dev_check.tokenizer
    steps = learn_one_batch(trainer.model, trainer.train, tokenizer, config)
    assert steps < one_batch.STEPS


def test_features_that_say_nothing_are_not_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_batch, "STEPS", 30)
    config = toy_config(batch_seconds=7.0)
    trainer = toy_trainer(tmp_path, tmp_path / "c", config, number=8)
    silence = np.zeros((90, 20), np.float32)
    monkeypatch.setattr(trainer.train.reader, "read", lambda id_: silence)
    with pytest.raises(RecipeError, match="not learned by heart in 30 steps"):
        learn_one_batch(
            trainer.model, trainer.train, trainer.dev_check.tokenizer, config
        )
