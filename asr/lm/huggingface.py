"""Any causal language model of Hugging Face's ``transformers``, by name or folder."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch

from asr.data.batches import plan_padded
from asr.errors import RecipeError, UsageError
from asr.lm.neural import padded

CASES = ("as_is", "lower", "sentence")
BATCH_TOKENS = 4096  # scored at once, with padding: V is large, so log-probs are
WHAT_TO_DO = "pip install -r requirements-optional.txt, see docs/neural_lm.md"


class HuggingFaceLm:
    """A pretrained causal model that scores sentences.

    The text's beginning is the model's BOS token (EOS where it has none, as GPT-2 was
    trained), its end is EOS.

    Args:
        name: of the hub, which has to be reached or cached then, or a folder.
        case: ``as_is``; ``lower``; ``sentence`` (lower but for the first letter and
            the word I), for models that have hardly seen capitals alone.
        batch_tokens: scored at once, with padding.

    Raises:
        RecipeError: ``transformers`` is missing, or the model cannot be used.
        UsageError: another case.
    """

    def __init__(
        self, name: str, case: str = "as_is", batch_tokens: int = BATCH_TOKENS
    ) -> None:
        if case not in CASES:
            raise UsageError(f"rescore.case={case}: {', '.join(CASES)}")
        self.name, self.case, self.batch_tokens = name, case, batch_tokens
        self.tokenizer, self.model = _load(name)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model.to(self.device).eval()
        end = self.tokenizer.eos_token_id
        if end is None:
            raise RecipeError(f"{name}: its tokenizer has no EOS token to end with")
        begin = self.tokenizer.bos_token_id
        self.begin, self.end = int(end if begin is None else begin), int(end)

    def score(self, texts: Sequence[str]) -> list[float]:
        """``ln p`` of each sentence, its end included.

        Raises:
            RecipeError: a text is longer than the model's context.
        """
        if not texts:
            return []
        rows = [self._ids(text) for text in texts]
        self._check_lengths(rows)
        scores = torch.zeros(len(rows), dtype=torch.float64)
        sizes = [len(row) - 1 for row in rows]
        limit = self.batch_tokens
        for batch in plan_padded(sizes, limit, seed=0, epoch=0, by_length=True):
            scores[batch] = self._score([rows[i] for i in batch])
        return [float(score) for score in scores.tolist()]

    def _ids(self, text: str) -> list[int]:
        cased = change_case(text, self.case)
        ids = self.tokenizer(cased, add_special_tokens=False)["input_ids"]
        return [self.begin, *ids, self.end]

    def _check_lengths(self, rows: Sequence[Sequence[int]]) -> None:
        config = self.model.config
        limit = getattr(config, "max_position_embeddings", None)
        longest = max(map(len, rows)) - 1
        if limit is not None and longest > limit:
            raise RecipeError(
                f"{self.name}: a hypothesis has {longest} tokens, the model takes {limit}"
            )

    @torch.no_grad()
    def _score(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        inputs, lengths = padded([row[:-1] for row in rows])
        targets, _ = padded([row[1:] for row in rows])
        mask = torch.arange(inputs.size(1)) < lengths[:, None]
        logits = self.model(
            input_ids=inputs.to(self.device), attention_mask=mask.long().to(self.device)
        ).logits
        log_probs = torch.log_softmax(logits.float(), dim=-1).cpu()
        found = log_probs.gather(2, targets[..., None]).squeeze(2).double()
        return (found * mask).sum(dim=1)


def change_case(text: str, case: str) -> str:
    """Bring a text into one of CASES."""
    if case == "as_is":
        return text
    lower = text.lower()
    if case == "lower":
        return lower
    words = [word.capitalize() if _is_i(word) else word for word in lower.split(" ")]
    joined = " ".join(words)
    return joined[:1].upper() + joined[1:]


def _is_i(word: str) -> bool:
    return word == "i" or word.startswith("i'")


def _load(name: str) -> tuple[Any, Any]:
    """Tokenizer and model."""
    try:
        transformers = import_module("transformers")  # large, and seldom needed
    except ImportError as error:
        raise RecipeError(
            f"rescore.lm={name}: the package transformers is not installed ({error}); "
            + WHAT_TO_DO
        ) from None
    try:
        return (
            transformers.AutoTokenizer.from_pretrained(name),
            transformers.AutoModelForCausalLM.from_pretrained(name),
        )
    except (
        OSError,
        ValueError,
        ImportError,
    ) as error:  # no such model, or no causal one
        reason = " ".join(str(error).split())[:200]
        raise RecipeError(f"rescore.lm={name}: cannot be loaded ({reason})") from error
