"""Training: it learns, it resumes bit for bit, and it says what goes wrong."""

import json
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Iterator
from math import nan
from pathlib import Path

import pytest
import torch

from asr.config import MmiConfig
from asr.data.dataset import Batch
from asr.errors import RecipeError, UsageError
from asr.models import checkpoint
from asr.train import step as step_module
from asr.train.dev import DevCheck
from asr.train.group import Group
from asr.train.interrupt import TrainingInterruptedError
from asr.train.loop import Trainer
from asr.train.state import EpochResult
from tests.train.toy import toy_config, toy_trainer


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


class KilledError(Exception):
    """Stands for SIGKILL: nothing of the process is left but its files."""


def kill_at(trainer: Trainer, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain_step = trainer._step

    def dying_step(group: Group, batches: Iterator[Batch]) -> tuple[float, float]:
        if trainer.state.step == step:
            raise KilledError
        return plain_step(group, batches)

    monkeypatch.setattr(trainer, "_step", dying_step)


EVERYTHING = {
    "accumulate": 2,
    "ema_decay": 0.9,
    "schedule": "onecycle",
    "num_workers": 1,
    "max_epochs": 4,
}


@pytest.mark.parametrize(
    ("model", "step", "options"),
    [
        ("conformer", 1, {}),
        ("conformer", 13, {}),
        ("conformer", 5, EVERYTHING),
        ("deepspeech2", 10, EVERYTHING),
        ("tdnnf", 8, {"loss": "mmi", "optimizer": "muon"}),
    ],
)
def test_killed_and_started_again_equals_undisturbed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    options: dict[str, object],
    model: str,
) -> None:
    # checkpoint_minutes=0 saves after every step, as SIGTERM would
    config = toy_config(**{"checkpoint_minutes": 0.0, **options})
    toy_trainer(tmp_path, tmp_path / "whole", config, model=model).run()
    killed = toy_trainer(tmp_path, tmp_path / "killed", config, model=model)
    kill_at(killed, step, monkeypatch)
    with pytest.raises(KilledError):
        killed.run()
    torch.manual_seed(99)  # whatever the new process starts with
    toy_trainer(tmp_path, tmp_path / "killed", config, model=model).run()
    files = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert "last.pt" in files and "best.json" in files
    for name in files:
        whole, resumed = tmp_path / "whole" / name, tmp_path / "killed" / name
        assert whole.read_bytes() == resumed.read_bytes(), name


def test_sigterm_saves_and_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = toy_config(num_workers=1)
    trainer = toy_trainer(tmp_path, tmp_path / "c", config)
    plain_step = trainer._step

    def step(group: Group, batches: Iterator[Batch]) -> tuple[float, float]:
        if trainer.state.step == 4:  # as a batch system does: to the whole group
            for process in multiprocessing.active_children():
                os.kill(process.pid or 0, signal.SIGTERM)
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGTERM)
        return plain_step(group, batches)

    monkeypatch.setattr(trainer, "_step", step)
    with pytest.raises(TrainingInterruptedError, match="same command") as caught:
        trainer.run()
    assert caught.value.exit_code != 0
    again = toy_trainer(tmp_path, tmp_path / "c", config)
    assert again.state.step == 5


def test_where_the_training_stands_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def first_line(step: int | None) -> str:
        trainer = toy_trainer(tmp_path, tmp_path / "c", toy_config(max_epochs=2))
        batches = len(trainer.plan)
        capsys.readouterr()
        if step is not None:
            kill_at(trainer, batches + step, monkeypatch)
            with pytest.raises(KilledError):
                trainer.run()
        else:
            trainer.run()
        return capsys.readouterr().out.partition("\n")[0]

    folder = tmp_path / "c"
    killed_early = first_line(step=0)
    assert killed_early == (
        f"{folder}: no checkpoint yet, training begins; saved every 10 min and after "
        "each epoch"
    )
    assert first_line(step=1) == f"{folder}: going on at epoch 2, batch 1"
    assert first_line(step=None) == f"{folder}: going on at epoch 2, batch 1"
    assert first_line(step=None) == f"{folder}: trained already, 2 epochs"


def test_other_configuration_sets_old_checkpoints_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy_trainer(tmp_path, tmp_path / "c", toy_config(max_epochs=1)).run()
    trainer = toy_trainer(tmp_path, tmp_path / "c", toy_config(max_epochs=1))
    trainer.folder.signature = {"a": 2}
    assert trainer.folder.newest() is None
    assert (tmp_path / "c.old-1" / "last.pt").exists()
    said = capsys.readouterr().out
    assert "a changed from 1 to 2" in said and "training starts anew" in said


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
    rows = (tmp_path / "c" / "skipped.tsv").read_text().splitlines()
    assert len(rows) == 21 and rows[0].startswith("step\tepoch\tloss")


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


def test_bad_batch_is_skipped_named_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = toy_config(max_epochs=1, accumulate=2)
    trainer = toy_trainer(tmp_path, tmp_path / "c", config, model="deepspeech2")
    read = trainer.train.reader.read
    monkeypatch.setattr(
        trainer.dev_check, "_measure", lambda *_: EpochResult(1, 0, 0, 0, 0)
    )
    bad = trainer.train.utterances[3].id
    monkeypatch.setattr(
        trainer.train.reader, "read", lambda id_: read(id_) * (nan if id_ == bad else 1)
    )
    trainer.run()
    assert trainer.state.skipped == 1 and trainer.state.skipped_in_a_row == 0
    assert all(v.isfinite().all() for v in trainer.model.state_dict().values())
    (row,) = (tmp_path / "c" / "skipped.tsv").read_text().splitlines()[1:]
    ids = row.split("\t")[-1].split()
    assert bad in ids and len(ids) <= 3  # its batch, not the other one of the group
    assert "1 in all" in capsys.readouterr().out


def test_damaged_checkpoint_falls_back_to_the_one_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = toy_config()
    toy_trainer(tmp_path, tmp_path / "whole", config).run()
    shutil.copytree(tmp_path / "whole", tmp_path / "c")
    last = tmp_path / "c" / "last.pt"
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1  # one bit of a weight
    last.write_bytes(bytes(content))
    again = toy_trainer(tmp_path, tmp_path / "c", config)
    assert again.state.epoch == 2
    said = capsys.readouterr().out
    assert "last.pt: unreadable" in said and "previous.pt is whole" in said
    again.run()
    for name in ("last.pt", "best.json"):
        whole = (tmp_path / "whole" / name).read_bytes()
        assert (tmp_path / "c" / name).read_bytes() == whole


def test_no_whole_checkpoint_is_one_clear_line(tmp_path: Path) -> None:
    toy_trainer(tmp_path, tmp_path / "c", toy_config(max_epochs=1)).run()
    for name in ("last.pt", "previous.pt"):
        (tmp_path / "c" / name).write_bytes(b"PK")
    with pytest.raises(RecipeError, match="to train anew"):
        toy_trainer(tmp_path, tmp_path / "c", toy_config(max_epochs=1))


def test_killed_between_the_renames_goes_on_from_previous(tmp_path: Path) -> None:
    toy_trainer(tmp_path, tmp_path / "c", toy_config()).run()
    (tmp_path / "c" / "last.pt").unlink()
    assert toy_trainer(tmp_path, tmp_path / "c", toy_config()).state.epoch == 2


def test_checkpoint_of_a_version_with_fewer_keys_is_taken_over(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, tmp_path / "c", toy_config(max_epochs=1))
    trainer.run()
    folder = trainer.folder
    for changed, taken in (
        ({"train.ema_decay": 0.0}, True),
        ({"train.seed": 0}, False),
    ):
        folder.signature = {"a": 1, **changed}
        assert (folder.newest() is not None) == taken


def test_precision_of_auto_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = toy_config(max_epochs=1, precision="auto")
    for chosen in (torch.bfloat16, torch.float32):
        monkeypatch.setattr(step_module, "choose_precision", lambda *_, c=chosen: c)
        trainer = toy_trainer(tmp_path, tmp_path / "c", config)
        assert trainer.stepper.dtype is torch.bfloat16
        trainer.run()


def test_patience_ends_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rates = iter([0.9, 0.5, 0.6, 0.5, 0.4])
    config = toy_config(max_epochs=9, patience=2)
    trainer = toy_trainer(tmp_path, tmp_path / "c", config)
    monkeypatch.setattr(
        trainer.dev_check,
        "_measure",
        lambda *_: EpochResult(trainer.state.epoch + 1, 0, 0, next(rates), 0),
    )
    trainer.run()
    assert trainer.state.epoch == 4
    assert "no better dev WER for 2 epochs" in capsys.readouterr().out
    best = json.loads((tmp_path / "c" / "best.json").read_text())
    assert [item["epoch"] for item in best] == [2, 4]


def test_first_epochs_are_of_ctc_alone_and_never_the_best(tmp_path: Path) -> None:
    """The first epochs' weights are those of a CTC training, bit for bit."""
    plain = {"max_epochs": 4, "keep_checkpoints": 4}
    toy_trainer(tmp_path, tmp_path / "ctc", toy_config(**plain)).run()
    mixed = toy_config(**plain, loss="mmi", mmi=MmiConfig(0.1, 2))
    toy_trainer(tmp_path, tmp_path / "mmi", mixed).run()
    best = json.loads((tmp_path / "mmi" / "best.json").read_text())
    assert {item["epoch"] for item in best[:2]} == {3, 4}
    assert [item["preliminary"] for item in best] == [False, False, True, True]
    for number, alike in ((1, True), (2, True), (3, False)):
        name = f"epoch-{number}.pt"
        ctc, mmi = ((tmp_path / loss / name).read_bytes() for loss in ("ctc", "mmi"))
        assert (ctc == mmi) is alike


@pytest.mark.parametrize("epochs", [-1, 3])
def test_some_epoch_has_to_be_of_the_loss_itself(epochs: int) -> None:
    with pytest.raises(ValueError, match="mmi.ctc_epochs"):
        toy_config(loss="mmi", mmi=MmiConfig(0.1, epochs))


def test_sigterm_in_validation_saves_the_whole_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = toy_config(max_epochs=1, ema_decay=0.9)
    toy_trainer(tmp_path, tmp_path / "whole", config).run()
    trainer = toy_trainer(tmp_path, tmp_path / "c", config)

    def signalled(batches: Iterator[Batch]) -> Iterator[Batch]:
        os.kill(os.getpid(), signal.SIGTERM)
        return DevCheck._until_stop(trainer.dev_check, batches)

    monkeypatch.setattr(trainer.dev_check, "_until_stop", signalled)
    with pytest.raises(TrainingInterruptedError):
        trainer.run()
    again = toy_trainer(tmp_path, tmp_path / "c", config)
    assert again.state.position == len(again.plan) and again.state.epoch == 0
    again.run()
    for name in ("epoch-1.pt", "last.pt", "best.json"):
        whole = (tmp_path / "whole" / name).read_bytes()
        assert (tmp_path / "c" / name).read_bytes() == whole


def test_epoch_weights_are_the_averaged_ones(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, tmp_path / "c", toy_config(ema_decay=0.5))
    trainer.run()
    kept = checkpoint.load(tmp_path / "c" / f"epoch-{trainer.state.epoch}.pt")
    last = checkpoint.load(tmp_path / "c" / "last.pt")
    assert all(torch.equal(kept[name], last["ema"][name]) for name in kept)
    assert not torch.equal(kept["output.weight"], last["model"]["output.weight"])


@pytest.mark.parametrize("name", ["accumulate", "patience", "max_skipped", "ema_decay"])
def test_senseless_number_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"train.{name}=-1"):
        toy_trainer(tmp_path, tmp_path / "c", toy_config(**{name: -1}))


def test_unknown_loss_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"train\.loss=lfmmi: .*ctc or mmi"):
        toy_trainer(tmp_path, tmp_path / "c", toy_config(loss="lfmmi"))
