"""Trains the toy model, alone or as a process of torchrun; writes every step's loss.

Usage: together.py DATA OUT MODEL ACCUMULATE
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from asr.data.dataset import Batch
from asr.models import checkpoint
from asr.train.group import Group
from asr.train.world import World, joined, launched
from tests.train.toy import toy_config, toy_trainer


def curve(data: Path, out: Path, model: str, accumulate: int, world: World) -> None:
    """Train three epochs of an odd number of batches, with the default dropout."""
    torch.set_num_threads(1)
    config = toy_config(accumulate=accumulate, ema_decay=0.9, weight_decay=0.0)
    trainer = toy_trainer(data, out, config, number=14, model=model, world=world)
    assert len(trainer.plan) % 2 == 1
    losses: list[float] = []
    plain_step = trainer._step

    def step(group: Group, batches: Iterator[Batch]) -> tuple[float, float]:
        losses.append(plain_step(group, batches)[0])
        return losses[-1], 0.0

    trainer._step = step  # type: ignore[method-assign]
    trainer.run()
    if world.is_main:
        (out / "losses.json").write_text(json.dumps(losses))


def losses_and_weights(out: Path) -> tuple[list[float], dict[str, torch.Tensor]]:
    losses: list[float] = json.loads((out / "losses.json").read_text())
    return losses, checkpoint.load(out / "last.pt")["model"]


if __name__ == "__main__":
    paths = Path(sys.argv[1]), Path(sys.argv[2])
    if launched():
        with joined() as met:
            own = paths[0] / f"rank-{met.rank}"  # each makes the same features
            curve(own, paths[1], sys.argv[3], int(sys.argv[4]), met)
    else:
        curve(*paths, sys.argv[3], int(sys.argv[4]), World())
