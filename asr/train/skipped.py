"""Steps that were not taken, because their loss or gradient is not finite."""

import math
from collections.abc import Sequence
from pathlib import Path

from asr.atomic import write_text
from asr.errors import RecipeError
from asr.train.group import Group
from asr.train.state import TrainState

HEADER = "step\tepoch\tloss\tgradient_norm\tutterances"


class SkipLog:
    """Tells of skipped steps, keeps them in a file, and ends a training that diverges.

    Args:
        path: of the file, tab-separated; None keeps none.
        limit: steps in a row without a finite gradient that end the training.
        section: of the configuration, for the advice.
    """

    def __init__(self, path: Path | None, limit: int, section: str = "train") -> None:
        self.path, self.limit, self.section = path, limit, section

    def finite(
        self, losses: Sequence[float], norm: float, group: Group, state: TrainState
    ) -> bool:
        """Whether the step may be taken; a skipped one is counted and named.

        The batches named are those whose loss is not finite; all of the group where
        only the gradient is not.

        Raises:
            RecipeError: ``limit`` steps in a row were skipped.
        """
        bad = [i for i, loss in enumerate(losses) if not math.isfinite(loss)]
        if not bad and math.isfinite(norm):
            state.skipped_in_a_row = 0
            return True
        state.skipped += 1
        state.skipped_in_a_row += 1
        loss = sum(losses) / max(1, group.tokens)
        ids = " ".join(id_ for i in bad or range(len(losses)) for id_ in group.ids[i])
        print(
            f"step {state.step} skipped ({state.skipped} in all): loss {loss}, "
            f"gradient norm {norm}, utterances {ids}",
            flush=True,
        )
        self._write(f"{state.step}\t{group.epoch + 1}\t{loss}\t{norm}\t{ids}")
        if state.skipped_in_a_row >= self.limit:
            raise RecipeError(
                f"training diverged: {self.limit} steps in a row without a finite "
                f"gradient; try a smaller {self.section}.learning_rate or precision=float32"
                + (f"; see {self.path}" if self.path else "")
            )
        return False

    def rewind(self, step: int) -> None:
        """Forget what came after ``step``: a resumed training does it again."""
        if self.path is not None and self.path.exists():
            rows = self.path.read_text(encoding="utf-8").splitlines()[1:]
            kept = [row for row in rows if int(row.split("\t")[0]) <= step]
            write_text(self.path, "\n".join([HEADER, *kept]) + "\n")

    def _write(self, row: str) -> None:
        if self.path is None:
            return
        old = self.path.read_text("utf-8") if self.path.exists() else HEADER + "\n"
        write_text(self.path, old + row + "\n")
