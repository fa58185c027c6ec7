"""The folder of a training's checkpoints."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from asr.atomic import write_text
from asr.done_marker import changes
from asr.errors import RecipeError
from asr.models import checkpoint
from asr.train.state import Result


class CheckpointFolder:
    """A training's files.

    ``last.pt`` holds everything and ``previous.pt`` is the one before it; ``epoch-N.pt``
    are the weights of the best epochs, ``best.json`` (written at the end) names them.

    Args:
        signature: what the weights depend on; checkpoints that have another one are
            set aside.
        keep: epochs whose weights are kept, the best on dev.
    """

    def __init__(self, path: Path, signature: Mapping[str, Any], keep: int) -> None:
        self.path, self.signature, self.keep = path, signature, keep
        self.last = path / "last.pt"
        self.previous = path / "previous.pt"

    def newest(self) -> dict[str, Any] | None:
        """The last checkpoint that is whole, or None where a training begins.

        A damaged one is renamed, said, and the one before it is taken. Checkpoints of
        another configuration or other data are moved out of the way.

        Raises:
            RecipeError: there are checkpoints, but none is whole.
        """
        content = self._whole()
        if content is None:
            return None
        changed = changes(content["signature"], dict(self.signature))
        if changed:
            self._set_aside(changed)
            return None
        return content

    def save(self, content: Mapping[str, Any]) -> None:
        """Write ``last.pt``; the old one becomes ``previous.pt``.

        Only by renaming: at any moment one of the two is whole and under its name.
        """
        new = self.path / "next.pt"
        checkpoint.save({**content, "signature": dict(self.signature)}, new)
        if self.last.exists():
            os.replace(self.last, self.previous)
        os.replace(new, self.last)

    def save_weights(self, epoch: int, model: nn.Module) -> None:
        """Write ``epoch-N.pt``."""
        checkpoint.save(model.state_dict(), self._weights(epoch))

    def remove_worse(self, history: Sequence[Result]) -> None:
        """Remove the weights of all epochs but the best."""
        for worse in _ranked(history)[self.keep :]:
            self._weights(worse.epoch).unlink(missing_ok=True)

    def write_best(self, history: Sequence[Result]) -> None:
        """Write ``best.json``: the epochs that are kept, best first."""
        kept = _ranked(history)[: self.keep]
        text = json.dumps([asdict(result) for result in kept], indent=1)
        write_text(self.path / "best.json", text + "\n")

    def _weights(self, epoch: int) -> Path:
        return self.path / f"epoch-{epoch}.pt"

    def _whole(self) -> dict[str, Any] | None:
        damaged: list[tuple[Path, RecipeError]] = []
        for path in (self.last, self.previous):
            if not path.exists():
                continue
            try:
                content = checkpoint.load(path)
            except RecipeError as error:
                damaged.append((path, error))
                continue
            for bad, reason in damaged:
                kept = bad.with_name(f"{bad.name}.damaged")
                os.replace(bad, kept)  # else it would become the next previous.pt
                print(
                    f"{reason}; kept as {kept.name}, {path.name} is whole", flush=True
                )
            return content
        if damaged:
            raise RecipeError(
                f"{damaged[0][1]}, and there is no older one; move {self.path} away "
                "to train anew"
            )
        return None

    def _set_aside(self, changed: str) -> None:
        number = 1
        while (
            target := self.path.with_name(f"{self.path.name}.old-{number}")
        ).exists():
            number += 1
        shutil.move(self.path, target)
        print(
            f"{self.path}: these checkpoints are of another configuration or other "
            f"data ({changed}); kept as {target}, training starts anew",
            flush=True,
        )


def _ranked(history: Sequence[Result]) -> list[Result]:
    return sorted(history, key=lambda result: result.rank)
