"""The recipe's own neural language model: its file, and scores of sentences."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from asr.data.batches import plan_padded
from asr.errors import RecipeError
from asr.lm.token_text import BOUNDARY
from asr.models import checkpoint
from asr.models.transformer_lm import TransformerLm, target_log_probs
from asr.text.tokenizer import Tokenizer

BATCH_TOKENS = 8192  # scored at once, with padding: a few dozen megabytes


class NeuralLm:
    """A Transformer language model and its tokenizer.

    Args:
        model: on any device.
        tokenizer: whose tokens the model knows.
        batch_tokens: scored at once, with padding.
    """

    def __init__(
        self,
        model: TransformerLm,
        tokenizer: Tokenizer,
        batch_tokens: int = BATCH_TOKENS,
    ) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.batch_tokens = batch_tokens

    def score(self, texts: Sequence[str]) -> list[float]:
        """``ln p`` of each normalised sentence, its end included."""
        encoded = [self.tokenizer.encode(text) for text in texts]
        return score_tokens(self.model, encoded, self.batch_tokens)

    @classmethod
    def load(cls, path: Path) -> "NeuralLm":
        """Read a file that :func:`save_neural_lm` wrote, without running its code.

        Raises:
            RecipeError: no such file, a damaged one, or one of another version.
        """
        if not path.is_file():
            raise RecipeError(f"{path}: not found; run local/train_lm.sh first")
        content = checkpoint.load(path)
        try:
            tokenizer = Tokenizer(content["tokenizer"].numpy().tobytes())
            model = TransformerLm(tokenizer.vocab_size, **content["options"])
            model.load_state_dict(content["weights"])
        except (KeyError, TypeError, AttributeError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise RecipeError(f"{path}: not a neural LM ({reason})") from error
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(model.eval().to(device), tokenizer)


def save_neural_lm(
    path: Path,
    weights: Mapping[str, Tensor],
    options: Mapping[str, Any],
    sentencepiece: Path,
) -> None:
    """Write weights, options and tokenizer into one file, atomically.

    Args:
        options: keyword arguments of :class:`TransformerLm`.
        sentencepiece: the tokenizer's ``sp.model``.
    """
    model = np.frombuffer(sentencepiece.read_bytes(), np.uint8).copy()
    content = {
        "weights": weights,
        "options": options,
        "tokenizer": torch.from_numpy(model),
    }
    checkpoint.save(content, path)


@torch.no_grad()
def score_tokens(
    model: TransformerLm, sentences: Sequence[Sequence[int]], batch_tokens: int
) -> list[float]:
    """``ln p`` of token sequences, their ends included; without dropout, in float32.

    Sentences of about the same length are scored together. The model is left in the
    mode that it was in.
    """
    if not sentences:
        return []
    training, device = model.training, next(model.parameters()).device
    model.eval()
    scores = torch.zeros(len(sentences), dtype=torch.float64)
    sizes = [len(sentence) + 1 for sentence in sentences]
    for batch in plan_padded(sizes, batch_tokens, seed=0, epoch=0, by_length=True):
        rows = [[BOUNDARY, *sentences[i], BOUNDARY] for i in batch]
        inputs, lengths = padded([row[:-1] for row in rows])
        targets, _ = padded([row[1:] for row in rows])
        log_probs = model(inputs.to(device), lengths.to(device))
        # The padding's log-probs are 0 whatever their target.
        found = target_log_probs(log_probs, targets.to(device)).double().sum(dim=1)
        scores[batch] = found.cpu()
    model.train(training)
    return [float(score) for score in scores.tolist()]


def padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Rows of ids -> (B, L) int64, zeros behind, and (B,) lengths."""
    lengths = torch.tensor([len(row) for row in rows])
    ids = torch.zeros(len(rows), int(lengths.max()), dtype=torch.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.as_tensor(row)
    return ids, lengths
