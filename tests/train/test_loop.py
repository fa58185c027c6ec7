"""Training: it learns, it resumes bit for bit, and it says what goes wrong."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
import torch

from asr.data.dataset import Batch
from asr.errors import RecipeError
from asr.models import checkpoint
from asr.train.interrupt import TrainingInterruptedError
from asr.train.loop import Trainer
from tests.train.toy import NO_MASKS, toy_config, toy_trainer


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("model", ["conformer", "deepspeech2"])
def test_one_batch_is_learned_by_heart(tmp_path: Path, model: str) -> None:
    """The first thing to try with any model: loss to nearly 0, WER to 0."""
    config = toy_config(
        max_epochs=2,
        batch_seconds=7.0,
        learning_rate=5e-3,
        warmup_steps=10,
        spec_augment=NO_MASKS,
        keep_checkpoints=1,
    )
    trainer = toy_trainer(
        tmp_path, tmp_path / "c", config, number=8, model=model, copies=40
    )
    for module in trainer.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    trainer.run()
    best = json.loads((tmp_path / "c" / "best.json").read_text())[0]
    assert best["dev_wer"] == 0.0
    assert trainer.state.history[-1].dev_loss < 0.1


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = checkpoint.load(folder / "last.pt")["model"]
    return state


class KilledError(Exception):
    """Stands for SIGKILL: nothing of the process is left but its files."""


def kill_at(trainer: Trainer, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain_step = trainer._step

    def dying_step(batch: Batch) -> tuple[float, float]:
        if trainer.state.step == step:
            raise KilledError
        return plain_step(batch)

    monkeypatch.setattr(trainer, "_step", dying_step)


@pytest.mark.parametrize("step", [1, 7, 13])
def test_killed_and_started_again_equals_undisturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    # checkpoint_minutes=0 saves after every step, as SIGTERM would
    config = toy_config(checkpoint_minutes=0.0)
    toy_trainer(tmp_path, tmp_path / "whole", config).run()
    killed = toy_trainer(tmp_path, tmp_path / "killed", config)
    kill_at(killed, step, monkeypatch)
    with pytest.raises(KilledError):
        killed.run()
    torch.manual_seed(99)  # whatever the new process starts with
    toy_trainer(tmp_path, tmp_path / "killed", config).run()
    whole, resumed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    best = (tmp_path / "whole" / "best.json").read_bytes()
    assert best == (tmp_path / "killed" / "best.json").read_bytes()


def test_sigterm_saves_and_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = toy_config(num_workers=1)
    trainer = toy_trainer(tmp_path, tmp_path / "c", config)
    plain_step = trainer._step

    def step(batch: Batch) -> tuple[float, float]:
        if trainer.state.step == 4:  # as a batch system does: to the whole group
            for process in multiprocessing.active_children():
                os.kill(process.pid or 0, signal.SIGTERM)
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGTERM)
        return plain_step(batch)

    monkeypatch.setattr(trainer, "_step", step)
    with pytest.raises(TrainingInterruptedError, match="same command") as caught:
        trainer.run()
    assert caught.value.exit_code != 0
    again = toy_trainer(tmp_path, tmp_path / "c", config)
    assert again.state.step == 5


def test_other_configuration_sets_old_checkpoints_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy_trainer(tmp_path, tmp_path / "c", toy_config(max_epochs=1)).run()
    trainer = toy_trainer(tmp_path, tmp_path / "c", toy_config(max_epochs=1))
    trainer.folder.signature = {"a": 2}
    state = trainer.folder.resume(trainer.model, trainer.stepper.optimizer)
    assert state.step == 0
    assert (tmp_path / "c.old-1" / "last.pt").exists()
    assert "training starts anew" in capsys.readouterr().out


def test_only_the_best_epochs_are_kept(tmp_path: Path) -> None:
    toy_trainer(tmp_path, tmp_path / "c", toy_config(max_epochs=4)).run()
    best = json.loads((tmp_path / "c" / "best.json").read_text())
    ranks = [(item["dev_wer"], item["dev_loss"]) for item in best]
    assert len(best) == 2 and ranks == sorted(ranks)
    kept = {f"epoch-{item['epoch']}.pt" for item in best}
    assert {p.name for p in (tmp_path / "c").glob("epoch-*.pt")} == kept


def test_divergence_is_named_skipped_and_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = toy_trainer(tmp_path, tmp_path / "c", toy_config(max_epochs=30))
    with torch.no_grad():
        trainer.model.output.weight.fill_(float("nan"))
    with pytest.raises(RecipeError, match="20 steps in a row"):
        trainer.run()
    assert "utterances utt" in capsys.readouterr().out


def test_truncated_checkpoint_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    checkpoint.save({"model": {"w": torch.ones(100)}}, path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(RecipeError, match="unreadable checkpoint") as caught:
        checkpoint.load(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(RecipeError, match="stage 6"):
        checkpoint.load(tmp_path / "absent.pt")


def test_checkpoint_does_not_run_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "owned"),)

    torch.save({"model": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(RecipeError):
        checkpoint.load(tmp_path / "evil.pt")
    assert not (tmp_path / "owned").exists()
