"""What a training run has to remember to go on exactly where it stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import torch

PRELIMINARY = 1e6  # added to an error rate, so that it is above all others


@dataclass
class Result:
    """One finished epoch, on dev; losses are per token, natural logarithm."""

    epoch: int
    train_loss: float
    dev_loss: float

    target: ClassVar[str] = "dev loss"  # what is to become small

    @property
    def rank(self) -> tuple[float, ...]:
        """Smaller is better; the first number is what ``patience`` looks at."""
        return (self.dev_loss,)

    @property
    def line(self) -> str:
        """What is printed at the end of the epoch."""
        return (
            f"epoch {self.epoch}: train loss {self.train_loss:.3f}, "
            f"dev loss {self.dev_loss:.3f}"
        )


@dataclass
class EpochResult(Result):
    """Of an acoustic model: also its error rates, greedy."""

    dev_wer: float
    dev_cer: float
    preliminary: bool = False  # before the loss that is wanted: any later one is better

    target: ClassVar[str] = "dev WER"

    @property
    def rank(self) -> tuple[float, ...]:
        """Word error rate, then loss."""
        return self.dev_wer + PRELIMINARY * self.preliminary, self.dev_loss

    @property
    def line(self) -> str:
        return (
            f"{super().line}, dev WER {100 * self.dev_wer:.2f} %, "
            f"CER {100 * self.dev_cer:.2f} % (greedy)"
        )


@dataclass
class TrainState:
    """Position of a run: the next batch is ``position`` of ``epoch`` (both from 0)."""

    epoch: int = 0
    position: int = 0
    step: int = 0
    skipped: int = 0
    skipped_in_a_row: int = 0
    epoch_loss: float = 0.0
    epoch_tokens: int = 0
    history: list[Result] = field(default_factory=list)


def pack_state(state: TrainState, learner: Mapping[str, Any]) -> dict[str, Any]:
    """Put together all that decides the rest of the run, random state included.

    Args:
        learner: weights, optimizer and what else the steps depend on.
    """
    content = {
        "state": asdict(state),
        **learner,
        "random": torch.get_rng_state(),
        "threads": torch.get_num_threads(),
    }
    if torch.cuda.is_available():
        content["random_cuda"] = torch.cuda.get_rng_state()
    return content


def unpack_state(content: Mapping[str, Any], result: type[Result]) -> TrainState:
    """Set the random state, and return the position, that ``content`` holds.

    Args:
        result: class of the epochs' results.
    """
    torch.set_rng_state(content["random"])
    if "random_cuda" in content and torch.cuda.is_available():
        torch.cuda.set_rng_state(content["random_cuda"])
    threads = content.get("threads", torch.get_num_threads())
    if threads != torch.get_num_threads():
        print(
            f"going on with {torch.get_num_threads()} threads after {threads}: the "
            "weights will differ by rounding from an undisturbed run's",
            flush=True,
        )
    saved = dict(content["state"])
    history = [result(**item) for item in saved.pop("history")]
    return TrainState(**saved, history=history)


def epochs_without_gain(history: Sequence[Result]) -> int:
    """Epochs since the one that was the first of the best on dev."""
    rates = [result.rank[0] for result in history]
    return len(rates) - 1 - rates.index(min(rates)) if rates else 0
