"""Processes of torchrun: what one process with accumulation does, and no more output."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from asr.config_load import ROOT
from asr.train.world import World
from tests.train.together import curve, losses_and_weights

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]


def torchrun(*arguments: str, processes: int = 2) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*TORCHRUN, "--nproc_per_node", str(processes), *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("model", ["conformer", "deepspeech2"])
def test_two_processes_equal_one_with_accumulation(tmp_path: Path, model: str) -> None:
    """Dropout, batch norm, moving average and an odd number of batches included."""
    script = str(ROOT / "tests" / "train" / "together.py")
    done = torchrun(script, str(tmp_path), str(tmp_path / "two"), model, "1")
    assert done.returncode == 0, done.stderr
    curve(tmp_path / "data", tmp_path / "one", model, 2, World())
    first, weights = losses_and_weights(tmp_path / "one")
    second, others = losses_and_weights(tmp_path / "two")
    assert len(first) == len(second) > 10
    assert max(abs(a - b) for a, b in zip(first, second, strict=True)) < 1e-4
    for name, value in weights.items():
        torch.testing.assert_close(others[name], value, atol=1e-3, rtol=1e-3)
    assert done.stdout.count("epoch 3: train loss") == 1


def test_alone_there_is_nothing_to_exchange() -> None:
    world, model = World(), torch.nn.Linear(2, 2)
    assert world.wrap(model) is model
    assert world.any(True, False) == [True, False]
    assert world.from_main([1.5]) == [1.5]
    assert world.sum(torch.ones(2)).tolist() == [1.0, 1.0]


def test_failing_rank_ends_all(tmp_path: Path) -> None:
    script = tmp_path / "fails.py"
    script.write_text(
        "from asr.train.world import joined\n"
        "with joined() as world:\n"
        "    if world.rank == 1: raise SystemExit('rank one gives up')\n"
        "    world.wait()\n"
    )
    done = torchrun(str(script))
    assert done.returncode != 0 and "rank one gives up" in done.stderr


def test_other_stages_refuse(tmp_path: Path) -> None:
    done = torchrun("-m", "asr", "lm", "--exp-dir", str(tmp_path), processes=1)
    assert done.returncode != 0
    assert "error: torchrun is for stage 6" in done.stderr
