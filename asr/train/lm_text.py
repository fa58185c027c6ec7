"""The text that a neural language model learns from, batch by batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from asr.data.batches import plan_padded
from asr.lm.train_text import TokenText
from asr.train.epoch import Epoch, Feed
from asr.train.group import Group


@dataclass(frozen=True)
class LmBatch:
    """Pieces of text, padded with zeros.

    Attributes:
        inputs: (B, L) ids, int64.
        targets: (B, L), each the input that comes next.
        lengths: (B,) of the pieces.
    """

    inputs: Tensor
    targets: Tensor
    lengths: Tensor


class LmText:
    """A mapped text in pieces of sentences, and the order in which they are learned.

    An epoch is one pass over the text, or, where that takes more than ``epoch_steps``
    batches, one of the equal parts that a pass is divided into. Which batches it has
    depends on ``seed`` and its number only.

    Args:
        text: mapped, not loaded.
        context: tokens of a piece at most; longer sentences are cut.
        batch_tokens: of a batch at most, with padding.
        epoch_steps: batches of an epoch, about; one an update.
    """

    def __init__(
        self,
        text: TokenText,
        *,
        context: int,
        batch_tokens: int,
        epoch_steps: int,
        seed: int,
    ) -> None:
        self.ids, self.seed = text.ids, seed
        self.pieces = text.pieces(context)
        self.batch_tokens = batch_tokens
        self._pass, self._batches = -1, [[0]]
        batches = len(self._plan_pass(0))
        self.parts = -(-batches // epoch_steps)
        self.epoch_steps = -(-batches // self.parts)  # about

    @property
    def tokens(self) -> int:
        """Targets of the whole text."""
        return int(self.pieces[:, 1].sum())

    def plan(self, epoch: int) -> list[list[int]]:
        """Batches of an epoch, from 0, as numbers of pieces."""
        return self._plan_pass(epoch // self.parts)[epoch % self.parts :: self.parts]

    def batch(self, numbers: Sequence[int]) -> LmBatch:
        """Read some pieces."""
        begins, sizes = self.pieces[list(numbers)].T
        offset = np.arange(int(sizes.max()) + 1)
        where = np.minimum(begins[:, None] + offset, len(self.ids) - 1)
        rows = torch.from_numpy(self.ids[where].astype(np.int64))
        lengths = torch.from_numpy(sizes)
        padding = torch.from_numpy(offset[:-1]) >= lengths[:, None]
        return LmBatch(
            rows[:, :-1].masked_fill(padding, 0),
            rows[:, 1:].masked_fill(padding, 0),
            lengths,
        )

    def epoch(self, epoch: int, start: int) -> Epoch[LmBatch]:
        """What is left of an epoch from its batch ``start`` on."""
        plan = self.plan(epoch)
        batches = (self.batch(numbers) for numbers in plan[start:])
        return Epoch(self._groups(plan, epoch, start), Feed(batches), len(plan))

    def _groups(self, plan: list[list[int]], epoch: int, start: int) -> Iterator[Group]:
        """One batch an update."""
        for position in range(start, len(plan)):
            numbers = plan[position]
            tokens = int(self.pieces[numbers, 1].sum())
            ids = tuple(f"piece-{number}" for number in numbers)
            yield Group(epoch, range(position, position + 1), (ids,), tokens, tokens)

    def _plan_pass(self, number: int) -> list[list[int]]:
        """The last one is remembered: planning a large text takes seconds."""
        if number != self._pass:
            sizes, limit = self.pieces[:, 1], self.batch_tokens
            self._batches = plan_padded(sizes, limit, seed=self.seed, epoch=number)
            self._pass = number
        return self._batches
