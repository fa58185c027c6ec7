"""Score sentences with neural language models: the recipe's own, and its file."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from asr.data.batches import plan_padded
from asr.errors import RecipeError
from asr.lm.train_text import BOUNDARY
from asr.models import checkpoint
from asr.models.transformer_lm import TransformerLm, target_log_probs
from asr.text.tokenizer import Tokenizer

BATCH_TOKENS = 8192  # scored at once, with padding: a few dozen megabytes


class SentenceLm(Protocol):
    """The language model that rescoring needs."""

    def score(self, texts: Sequence[str]) -> list[float]:
        """Return ``ln p`` of each normalised sentence, its end included."""
        ...


class CachedLm:
    """Ask another model once for every text: n-best lists have many in common."""

    def __init__(self, lm: SentenceLm) -> None:
        self.lm = lm
        self.known: dict[str, float] = {}

    def score(self, texts: Sequence[str]) -> list[float]:
        """See :class:`SentenceLm`."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            self.known.update(zip(new, self.lm.score(new), strict=True))
        return [self.known[text] for text in texts]


class NeuralLm:
    """A Transformer language model, on any device, and its tokenizer."""

    def __init__(self, model: TransformerLm, tokenizer: Tokenizer) -> None:
        self.model, self.tokenizer = model, tokenizer

    def score(self, texts: Sequence[str]) -> list[float]:
        """See :class:`SentenceLm`."""
        encoded = [self.tokenizer.encode(text) for text in texts]
        return score_tokens(self.model, encoded, BATCH_TOKENS)

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
    tokenizer = np.frombuffer(sentencepiece.read_bytes(), np.uint8).copy()
    content = {"weights": weights, "options": options}
    checkpoint.save({**content, "tokenizer": torch.from_numpy(tokenizer)}, path)


def score_tokens(
    model: TransformerLm, sentences: Sequence[Sequence[int]], batch_tokens: int
) -> list[float]:
    """Return ``ln p`` of token sequences, their ends included, without dropout.

    The model is left in the mode that it was in.
    """
    training, device = model.training, next(model.parameters()).device
    model.eval()
    rows = [[BOUNDARY, *sentence, BOUNDARY] for sentence in sentences]
    scores = score_rows(rows, batch_tokens, model, device)
    model.train(training)
    return scores


@torch.no_grad()
def score_rows(
    rows: Sequence[Sequence[int]],
    batch_tokens: int,
    log_probs_after: Callable[[Tensor, Tensor], Tensor],
    device: str | torch.device,
) -> list[float]:
    """Return ``ln p`` of all ids of each row but its first.

    Rows of about the same length are scored together.

    Args:
        batch_tokens: scored at once, with padding.
        log_probs_after: (B, L) ids, zeros behind, and (B,) lengths on ``device`` ->
            (B, L, V) ln p of the ids that come next.
    """
    if not rows:
        return []
    scores = torch.zeros(len(rows), dtype=torch.float64)
    sizes = [len(row) - 1 for row in rows]
    for batch in plan_padded(sizes, batch_tokens, seed=0, epoch=0, by_length=True):
        ids = pad_sequence([torch.tensor(rows[i]) for i in batch], batch_first=True)
        lengths = torch.tensor([sizes[i] for i in batch])
        padding = torch.arange(ids.size(1) - 1) >= lengths[:, None]
        inputs = ids[:, :-1].masked_fill(padding, 0).to(device)
        log_probs = log_probs_after(inputs, lengths.to(device))
        found = target_log_probs(log_probs, ids[:, 1:].to(device)).double()
        scores[batch] = found.cpu().masked_fill(padding, 0.0).sum(dim=1)
    return [float(score) for score in scores.tolist()]
