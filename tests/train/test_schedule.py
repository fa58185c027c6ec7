"""Learning-rate schedules, against the papers' formulas and PyTorch's own."""

from pathlib import Path

import pytest
import torch

from asr.errors import UsageError
from asr.train.schedule import schedule_factor
from tests.train.toy import toy_config, toy_trainer

NAMES = ["cosine", "noam", "onecycle", "constant"]


def factor(name: str, step: int) -> float:
    return schedule_factor(
        name, step, warmup_steps=10, total_steps=110, final_ratio=0.1
    )


def test_cosine_warms_up_and_ends_at_its_ratio() -> None:
    assert factor("cosine", 0) == pytest.approx(0.1)
    assert factor("cosine", 9) == factor("cosine", 10) == 1.0
    assert factor("cosine", 60) == pytest.approx(0.55)
    assert factor("cosine", 110) == factor("cosine", 500) == pytest.approx(0.1)


@pytest.mark.parametrize("step", [0, 3, 8, 9, 10, 11, 50, 400])
def test_noam_is_the_papers_formula_with_its_peak_at_one(step: int) -> None:
    number = step + 1
    paper = min(number**-0.5, number * 10**-1.5)
    assert factor("noam", step) == pytest.approx(paper / 10**-0.5)


def test_a_training_shorter_than_its_warm_up_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(warmup_steps: int) -> tuple[str, int]:
        config = toy_config(warmup_steps=warmup_steps)
        trainer = toy_trainer(tmp_path / "data", tmp_path / "checkpoints", config)
        return capsys.readouterr().out, trainer.stepper.total_steps

    updates = told(1)[1]
    assert updates > 2 and "note" not in told(updates - 1)[0]
    assert f"is {updates}, but the training has only {updates} upd" in told(updates)[0]


def test_one_cycle_equals_pytorchs() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=1.0,
        total_steps=111,
        pct_start=11 / 111,
        div_factor=25,
        final_div_factor=0.4,
        cycle_momentum=False,
    )
    for step in range(111):
        assert factor("onecycle", step) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        if step < 110:
            theirs.step()


def test_constant_stays_after_the_warm_up() -> None:
    assert [factor("constant", step) for step in (4, 9, 10, 999)] == [0.5, 1, 1, 1]


@pytest.mark.parametrize("name", NAMES)
def test_none_needs_a_warm_up_and_none_exceeds_its_peak(name: str) -> None:
    rates = [
        schedule_factor(name, step, warmup_steps=0, total_steps=50, final_ratio=0.01)
        for step in range(60)
    ]
    assert max(rates) == rates[0] == 1.0 and min(rates) > 0


def test_unknown_name_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="cosine, noam, onecycle or constant"):
        factor("linear", 0)
