"""One update: learning rate, loss, gradient, weights."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from asr.train.buffers import GroupBuffers
from asr.train.ema import Ema
from asr.train.group import Group
from asr.train.optimizer import new_optimizer
from asr.train.precision import choose_precision
from asr.train.schedule import schedule_factor, tell_long_warmup
from asr.train.skipped import SkipLog
from asr.train.state import TrainState
from asr.train.world import World

BatchT = TypeVar("BatchT")


class StepOptions(Protocol):
    """What an update depends on; ``asr.config.TrainConfig`` describes it."""

    @property
    def seed(self) -> int: ...
    @property
    def optimizer(self) -> str: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def warmup_steps(self) -> int: ...
    @property
    def final_lr_ratio(self) -> float: ...
    @property
    def schedule(self) -> str: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def clip_norm(self) -> float: ...
    @property
    def precision(self) -> str: ...
    @property
    def ema_decay(self) -> float: ...


class Stepper(ABC, Generic[BatchT]):
    """Updates a model group by group, by clipped gradients.

    A subclass says what the loss of a batch is.

    Args:
        model: on the device of ``world``.
        total_steps: of the whole training, for the learning rate.
        skips: is told of steps that cannot be taken.
        idle: a small batch, for a rank that has none when the others have.
    """

    def __init__(
        self,
        model: nn.Module,
        config: StepOptions,
        world: World,
        total_steps: int,
        skips: SkipLog,
        idle: BatchT,
    ) -> None:
        self.model, self.config, self.world = model, config, world
        self.total_steps, self.skips, self.idle = total_steps, skips, idle
        self.dtype = _same_precision(config.precision, world)
        self.optimizer = new_optimizer(model, config)
        self.ema = Ema(model, config.ema_decay) if config.ema_decay else None
        self.network = world.wrap(model)
        if world.is_main:
            tell_long_warmup(config.warmup_steps, total_steps)

    @property
    def learning_rate(self) -> float:
        """Of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def step(
        self, group: Group, batches: Iterator[BatchT], state: TrainState
    ) -> tuple[float, float]:
        """Make one update, counted in ``state``; return loss per token and norm.

        Both are 0 for a step that is skipped because one of them is not finite.

        Args:
            group: what all ranks together learn from.
            batches: gives this rank's part of the group, in order.

        Raises:
            RecipeError: too many steps in a row were skipped.
        """
        self._set_learning_rate(state.step)
        self.optimizer.zero_grad(set_to_none=True)
        buffers = GroupBuffers(self.model)
        losses = self._accumulate(group, batches, buffers)
        parameters = self.model.parameters()
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.config.clip_norm)
        state.step += 1
        if not self.skips.finite(losses, float(norm), group, state):
            buffers.undo()
            return 0.0, 0.0
        self.optimizer.step()
        buffers.finish(len(group.positions), self.world)
        if self.ema is not None:
            self.ema.update(state.step - 1)
        state.epoch_loss += sum(losses)
        state.epoch_tokens += group.tokens
        return sum(losses) / max(1, group.tokens), float(norm)

    @abstractmethod
    def loss(self, batch: BatchT, network: nn.Module) -> Tensor:
        """Summed over the batch's tokens, as a scalar."""

    def autocast(self) -> torch.autocast:
        """Inside ``with``, the network runs in the chosen precision."""
        return torch.autocast(
            self.world.device.type, torch.bfloat16, enabled=self.dtype != torch.float32
        )

    def averaged(self) -> contextlib.AbstractContextManager[None]:
        """Inside ``with``, the model has the weights to validate and to keep."""
        return contextlib.nullcontext() if self.ema is None else self.ema.applied()

    def state_dict(self) -> dict[str, Any]:
        """All that the following steps depend on."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": {} if self.ema is None else self.ema.weights,
            "precision": str(self.dtype).removeprefix("torch."),
        }

    def load_state_dict(self, content: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave; the chosen precision stays, too."""
        self.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        if self.ema is not None:
            self.ema.load(content.get("ema") or content["model"])
        if "precision" in content:
            self.dtype = getattr(torch, content["precision"])

    def _accumulate(
        self, group: Group, batches: Iterator[BatchT], buffers: GroupBuffers
    ) -> list[float]:
        """Gradients of the mean over the group's tokens; return each batch's loss."""
        world = self.world
        losses = torch.zeros(len(group.positions), device=world.device)
        own = group.own(world.rank, world.size)
        scale = world.size / max(1, group.tokens)  # the ranks' gradients are averaged
        rounds = group.rounds(world.size)
        for number in range(rounds):
            with self._synchronized(number == rounds - 1):
                if number >= len(own):
                    (0.0 * self.loss(self.idle, self.network)).backward()
                    buffers.undo()
                    continue
                torch.manual_seed(group.seed(self.config.seed, own[number]))
                loss = self.loss(next(batches), self.network)
                (loss * scale).backward()
                losses[own[number] - group.positions.start] = loss.detach()
                buffers.add()
        return [float(loss) for loss in world.sum(losses).tolist()]

    def _synchronized(self, last: bool) -> contextlib.AbstractContextManager[None]:
        """Gradients are exchanged with the last backward pass only."""
        if self.world.size == 1 or last:
            return contextlib.nullcontext()
        quiet: contextlib.AbstractContextManager[None] = self.network.no_sync()  # type: ignore[operator]
        return quiet

    def _set_learning_rate(self, step: int) -> None:
        factor = schedule_factor(
            self.config.schedule,
            step,
            warmup_steps=self.config.warmup_steps,
            total_steps=self.total_steps,
            final_ratio=self.config.final_lr_ratio,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * factor


def _same_precision(wanted: str, world: World) -> torch.dtype:
    """The choice of rank 0: timings differ between machines."""
    chosen = choose_precision(wanted, world.device)
    is_half = world.from_main([float(chosen == torch.bfloat16)])[0]
    return torch.bfloat16 if is_half else torch.float32
