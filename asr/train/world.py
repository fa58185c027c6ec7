"""The processes that train one model together (PyTorch's DistributedDataParallel)."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

TIMEOUT = timedelta(hours=2)  # the others wait while rank 0 validates


@dataclass(frozen=True)
class World:
    """Place of this process among ``size``; alone unless ``torchrun`` started it.

    Attributes:
        rank: from 0; rank 0 alone writes and prints.
        local_rank: the same on its own machine, and the number of its GPU.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """This process's own GPU, or the CPU."""
        if torch.cuda.is_available():
            return torch.device("cuda", self.local_rank)
        return torch.device("cpu")

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model whose backward pass averages gradients over all processes."""
        if self.size == 1:
            return model
        devices = [self.local_rank] if self.device.type == "cuda" else None
        # Running statistics are averaged once an update, see buffers.py.
        return DistributedDataParallel(
            model, device_ids=devices, broadcast_buffers=False
        )

    def sum(self, values: Tensor) -> Tensor:
        """Sum over all processes, in place, on the device of the training."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def any(self, *flags: bool) -> list[bool]:
        """Whether a flag is set in any process; the same answer in all of them."""
        if self.size == 1:
            return list(flags)
        counts = torch.tensor([float(flag) for flag in flags], device=self.device)
        return [count > 0 for count in self.sum(counts).tolist()]

    def from_main(self, values: list[float]) -> list[float]:
        """The numbers of rank 0; as many have to be given by all."""
        if self.size == 1:
            return values
        shared = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.broadcast(shared, src=0)
        return [float(value) for value in shared.tolist()]

    def wait(self) -> None:
        """Until all processes have come here."""
        if self.size > 1:
            dist.barrier()


def launched() -> bool:
    """Whether torchrun has started this process."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


@contextlib.contextmanager
def joined() -> Iterator[World]:
    """Meet the processes that torchrun has started; NCCL between GPUs, else gloo."""
    world = World(
        int(os.environ["RANK"]),
        int(os.environ["WORLD_SIZE"]),
        int(os.environ.get("LOCAL_RANK", "0")),
    )
    if world.device.type == "cuda":
        torch.cuda.set_device(world.device)
    dist.init_process_group(
        "nccl" if world.device.type == "cuda" else "gloo", timeout=TIMEOUT
    )
    quiet = contextlib.nullcontext() if world.is_main else _silence()
    try:
        with quiet:
            yield world
    finally:
        dist.destroy_process_group()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Nothing that is printed appears; errors do."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def current_world() -> World:
    """The world that was joined, or this process alone."""
    if not (dist.is_available() and dist.is_initialized()):
        return World()
    return World(
        dist.get_rank(), dist.get_world_size(), int(os.environ.get("LOCAL_RANK", "0"))
    )
