"""Batch norm's running statistics over the batches of one update."""

import torch
from torch import nn

from asr.train.world import World


class GroupBuffers:
    """Lets an update change a model's running statistics once, whoever runs it.

    Every batch of the update starts from the same statistics; what comes out is
    averaged. So the statistics do not depend on how the batches are spread over
    processes and time, and an update of one batch is what it is without this class.
    Whole numbers are counters: they go up by one.

    Args:
        model: whose buffers are meant.
    """

    def __init__(self, model: nn.Module) -> None:
        self._live = list(model.buffers())
        self._before = [buffer.clone() for buffer in self._live]
        self._sum = [torch.zeros_like(buffer) for buffer in self._live]

    @torch.no_grad()
    def add(self) -> None:
        """Count what the last batch has made of the statistics, and take it back."""
        for live, total in zip(self._live, self._sum, strict=True):
            total += live
        self.undo()

    @torch.no_grad()
    def undo(self) -> None:
        """Back to the statistics before this update."""
        for live, before in zip(self._live, self._before, strict=True):
            live.copy_(before)

    @torch.no_grad()
    def finish(self, number: int, world: World) -> None:
        """Set the statistics to the mean over the ``number`` batches of all ranks."""
        for live, total in zip(self._live, self._sum, strict=True):
            if live.is_floating_point():
                live.copy_(world.sum(total) / number)
            else:
                live += 1
