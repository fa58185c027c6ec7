"""The training of a neural language model."""

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from asr.config import NeuralLmConfig
from asr.errors import UsageError
from asr.lm.neural import score_tokens
from asr.models.transformer_lm import TransformerLm
from asr.text.tokenizer import Tokenizer
from asr.train.checkpoint_folder import CheckpointFolder
from asr.train.epoch import Epoch
from asr.train.interrupt import StopSignals
from asr.train.lm_step import LmStepper
from asr.train.lm_text import LmBatch, LmText
from asr.train.log import TrainLog
from asr.train.memory import out_of_memory
from asr.train.precision import PRECISIONS
from asr.train.schedule import SCHEDULES
from asr.train.skipped import SkipLog
from asr.train.state import Result
from asr.train.training import Training
from asr.train.world import World


@dataclass
class LmResult(Result):
    """One finished epoch on dev; a sentence's end counts as a token and as a word."""

    dev_perplexity: float  # a word
    dev_token_perplexity: float

    target: ClassVar[str] = "dev perplexity"

    @property
    def line(self) -> str:
        return (
            f"{super().line}, dev perplexity {self.dev_perplexity:.1f} a word, "
            f"{self.dev_token_perplexity:.3f} a token"
        )


class LmTrainer(Training[LmBatch]):
    """Trains a Transformer LM; the same call after a kill goes on where it was.

    Args:
        model: on any device.
        text: to learn from.
        dev: normalised sentences, to measure on.
        tokenizer: for ``dev``.
        config: how to train.
        folder: of the checkpoints.
        signature: what the weights depend on.
        log: told of every step and epoch.

    Raises:
        UsageError: a value that makes no sense.
    """

    unit = "tokens"
    result_type = LmResult

    def __init__(
        self,
        model: TransformerLm,
        text: LmText,
        dev: Sequence[str],
        tokenizer: Tokenizer,
        config: NeuralLmConfig,
        folder: Path,
        signature: Mapping[str, Any],
        log: TrainLog | None = None,
    ) -> None:
        check_lm_options(config)
        world = World()
        self.model = model.to(world.device).train()
        self.text, self.config = text, config
        self.dev = [tokenizer.encode(sentence) for sentence in dev]
        self.dev_words = sum(len(sentence.split()) + 1 for sentence in dev)
        steps = config.max_epochs * text.epoch_steps
        skips = SkipLog(folder / "skipped.tsv", config.max_skipped, "neural_lm")
        idle = text.batch([0])
        super().__init__(
            LmStepper(self.model, config, world, steps, skips, idle),
            config,
            CheckpointFolder(folder, signature, config.keep_checkpoints),
            log or TrainLog(),
            StopSignals(),
        )

    def open_epoch(self) -> AbstractContextManager[Epoch[LmBatch]]:
        return nullcontext(self.text.epoch(self.state.epoch, self.state.position))

    def measure(self) -> LmResult:
        """Perplexity on dev: a matter of seconds, so a signal has to wait for it."""
        scores = score_tokens(self.model, self.dev, self.config.batch_tokens)
        tokens = sum(len(ids) + 1 for ids in self.dev)
        state = self.state
        return LmResult(
            state.epoch + 1,
            state.epoch_loss / max(1, state.epoch_tokens),
            -sum(scores) / max(1, tokens),
            _perplexity(scores, self.dev_words),
            _perplexity(scores, tokens),
        )

    def out_of_memory(self) -> AbstractContextManager[None]:
        remedy = f"set neural_lm.batch_tokens below {self.config.batch_tokens}"
        return out_of_memory("in training", remedy)

    @property
    def epoch_amount(self) -> float:
        return self.text.tokens / self.text.parts


def _perplexity(scores: Sequence[float], number: int) -> float:
    """Infinite where the exponential is."""
    mean = -sum(scores) / max(1, number)
    return math.exp(mean) if mean < 700 else math.inf


def check_lm_options(config: NeuralLmConfig) -> None:
    """Raise UsageError for a value that makes no sense."""
    for name, sensible in (
        ("max_epochs", config.max_epochs >= 1),
        ("learning_rate", config.learning_rate > 0),
        ("weight_decay", config.weight_decay >= 0),
        ("epoch_steps", config.epoch_steps >= 1),
        ("context", config.context >= 1),
        ("batch_tokens", config.batch_tokens >= config.context),
        ("patience", config.patience >= 0),
        ("max_skipped", config.max_skipped >= 1),
        ("keep_checkpoints", config.keep_checkpoints >= 1),
        ("ema_decay", 0 <= config.ema_decay < 1),
        ("schedule", config.schedule in SCHEDULES),
        ("precision", config.precision in PRECISIONS),
    ):
        if not sensible:
            value = getattr(config, name)
            raise UsageError(
                f"neural_lm.{name}={value}: out of range, see docs/neural_lm.md"
            )
