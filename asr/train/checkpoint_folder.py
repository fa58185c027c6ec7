"""The folder of a training's checkpoints."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from asr.atomic import write_text
from asr.models import checkpoint
from asr.train.state import (
    EpochResult,
    TrainState,
    restore_state,
    save_state,
    set_aside_if_other,
)


class CheckpointFolder:
    """``last.pt`` (everything), ``epoch-N.pt`` (weights of the best), ``best.json``.

    Args:
        signature: what the weights depend on; checkpoints that have another one are
            set aside.
        keep: epochs whose weights are kept, the best on dev.
    """

    def __init__(self, path: Path, signature: Mapping[str, Any], keep: int) -> None:
        self.path, self.signature, self.keep = path, signature, keep
        self.last = path / "last.pt"

    def resume(self, model: nn.Module, optimizer: Optimizer) -> TrainState:
        """Set model and optimizer to the last checkpoint; return where it stood."""
        set_aside_if_other(self.path, self.signature)
        if not self.last.exists():
            return TrainState()
        state = restore_state(self.last, model, optimizer)
        print(
            f"{self.last}: going on at epoch {state.epoch + 1}, "
            f"batch {state.position + 1}",
            flush=True,
        )
        return state

    def save(self, state: TrainState, model: nn.Module, optimizer: Optimizer) -> None:
        """Write ``last.pt``."""
        save_state(self.last, state, model, optimizer, self.signature)

    def save_weights(self, epoch: int, model: nn.Module) -> None:
        """Write ``epoch-N.pt``."""
        checkpoint.save(model.state_dict(), self._weights(epoch))

    def remove_worse(self, history: Sequence[EpochResult]) -> None:
        """Remove the weights of all epochs but the best."""
        for worse in _ranked(history)[self.keep :]:
            self._weights(worse.epoch).unlink(missing_ok=True)

    def write_best(self, history: Sequence[EpochResult]) -> None:
        """Write ``best.json``: the epochs that are kept, best first."""
        kept = _ranked(history)[: self.keep]
        text = json.dumps([asdict(result) for result in kept], indent=1)
        write_text(self.path / "best.json", text + "\n")

    def _weights(self, epoch: int) -> Path:
        return self.path / f"epoch-{epoch}.pt"


def _ranked(history: Sequence[EpochResult]) -> list[EpochResult]:
    return sorted(history, key=lambda result: result.rank)
