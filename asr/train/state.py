"""What a training run has to remember to go on exactly where it stopped."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from asr.models import checkpoint


@dataclass
class EpochResult:
    """One finished epoch, on dev."""

    epoch: int
    train_loss: float
    dev_loss: float
    dev_wer: float
    dev_cer: float

    @property
    def rank(self) -> tuple[float, float]:
        """Smaller is better: word error rate, then loss."""
        return self.dev_wer, self.dev_loss


@dataclass
class TrainState:
    """Position of a run: the next batch is ``position`` of ``epoch`` (both from 0)."""

    epoch: int = 0
    position: int = 0
    step: int = 0
    skipped: int = 0
    epoch_loss: float = 0.0
    epoch_tokens: int = 0
    history: list[EpochResult] = field(default_factory=list)


def save_state(
    path: Path,
    state: TrainState,
    model: nn.Module,
    optimizer: Optimizer,
    signature: Mapping[str, Any],
) -> None:
    """Write everything that decides the rest of the run, random state included."""
    content = {
        "state": asdict(state),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "random": torch.get_rng_state(),
        "signature": dict(signature),
    }
    if torch.cuda.is_available():
        content["random_cuda"] = torch.cuda.get_rng_state()
    checkpoint.save(content, path)


def restore_state(path: Path, model: nn.Module, optimizer: Optimizer) -> TrainState:
    """Set model, optimizer and random state to what ``path`` holds."""
    content = checkpoint.load(path)
    model.load_state_dict(content["model"])
    optimizer.load_state_dict(content["optimizer"])
    torch.set_rng_state(content["random"])
    if "random_cuda" in content and torch.cuda.is_available():
        torch.cuda.set_rng_state(content["random_cuda"])
    saved = content["state"]
    history = [EpochResult(**item) for item in saved.pop("history")]
    return TrainState(**saved, history=history)


def set_aside_if_other(folder: Path, signature: Mapping[str, Any]) -> None:
    """Move checkpoints of another configuration or other data out of the way."""
    last = folder / "last.pt"
    if not last.exists() or checkpoint.load(last)["signature"] == dict(signature):
        return
    number = 1
    while (target := folder.with_name(f"{folder.name}.old-{number}")).exists():
        number += 1
    shutil.move(folder, target)
    print(
        f"{folder}: these checkpoints are of another configuration or other features; "
        f"kept as {target}, training starts anew",
        flush=True,
    )
