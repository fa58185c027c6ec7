"""Out of memory: in the first second, and in plain words."""

import contextlib
from collections.abc import Iterator, Sequence

import torch

from asr.data.dataset import BatchDataset
from asr.errors import RecipeError
from asr.train.buffers import GroupBuffers
from asr.train.ctc_step import CtcStepper
from asr.train.split import Split


class OutOfMemoryError(RecipeError):
    """The machine's or the GPU's memory does not hold a batch."""


def plain_out_of_memory(
    batch_seconds: float, where: str
) -> contextlib.AbstractContextManager[None]:
    """The same for a training of batches of audio."""
    return out_of_memory(
        where,
        f"set train.batch_seconds below {batch_seconds:g}, "
        "and train.accumulate=2 (or more) to keep the size of an update",
    )


@contextlib.contextmanager
def out_of_memory(where: str, remedy: str) -> Iterator[None]:
    """Turn PyTorch's out-of-memory errors into one line with the remedy.

    Raises:
        OutOfMemoryError: instead of PyTorch's own.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        text = str(error)
        if not isinstance(error, MemoryError) and not (
            "out of memory" in text or "can't allocate memory" in text
        ):
            raise
        raise OutOfMemoryError(f"out of memory {where}: {remedy}") from error


def try_largest(
    stepper: CtcStepper, split: Split, plan: Sequence[Sequence[int]]
) -> None:
    """Run the largest batches forward and backward, and leave everything as it was.

    Convolutions grow with the padded frames, attention with their square, so one batch
    is taken for each. Memory for the optimizer's two moments is held meanwhile.

    Args:
        plan: of an epoch; the others' batches are about as large.

    Raises:
        OutOfMemoryError: they do not fit.
    """
    parameters = list(stepper.model.parameters())
    device = stepper.world.device
    buffers = GroupBuffers(stepper.model)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        for batch in largest(split, plan):
            longest = max(split.utterances[i].num_frames for i in batch)
            seconds = longest * len(batch) / 100
            where = (
                f"on the largest batch ({len(batch)} utterances, {seconds:.0f} s "
                "with padding)"
            )
            with plain_out_of_memory(stepper.batch_seconds, where):
                moments = [
                    torch.empty_like(p)
                    for p in parameters
                    for _ in range(0 if stepper.optimizer.state else 2)
                ]
                dataset = BatchDataset(split.reader, split.utterances, [batch])
                stepper.loss(dataset[0], stepper.model).backward()
                del moments
    buffers.undo()
    stepper.optimizer.zero_grad(set_to_none=True)


def largest(split: Split, plan: Sequence[Sequence[int]]) -> list[Sequence[int]]:
    """The batches with most padded frames, and with most frames squared."""

    def size(batch: Sequence[int], power: int) -> int:
        longest = max(split.utterances[i].num_frames for i in batch)
        return len(batch) * int(longest**power)

    found = [max(plan, key=lambda batch: size(batch, power)) for power in (1, 2)]
    return found[:1] if found[0] == found[1] else found
