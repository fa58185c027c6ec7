"""Score sentences with any causal language model of Hugging Face's ``transformers``."""

from collections.abc import Sequence
from importlib import import_module

import torch
from torch import Tensor

from asr.errors import RecipeError, UsageError
from asr.lm.neural import score_rows

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
        try:
            transformers = import_module("transformers")  # large, and seldom needed
        except ImportError as error:
            raise RecipeError(
                f"rescore.lm={name}: the package transformers is not installed "
                f"({error}); {WHAT_TO_DO}"
            ) from None
        try:
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(name)
            self.model = transformers.AutoModelForCausalLM.from_pretrained(name)
        except (OSError, ValueError, ImportError) as error:  # none, or not causal
            reason = " ".join(str(error).split())[:200]
            raise RecipeError(
                f"rescore.lm={name}: cannot be loaded ({reason})"
            ) from error
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model.to(self.device).eval()
        end = self.tokenizer.eos_token_id
        if end is None:
            raise RecipeError(f"{name}: its tokenizer has no EOS token to end with")
        begin = self.tokenizer.bos_token_id
        self.begin, self.end = int(end if begin is None else begin), int(end)

    def score(self, texts: Sequence[str]) -> list[float]:
        """Return ``ln p`` of each sentence, its end included.

        Raises:
            RecipeError: a text is longer than the model's context.
        """
        rows = []
        for text in texts:
            cased = change_case(text, self.case)
            ids = self.tokenizer(cased, add_special_tokens=False)["input_ids"]
            rows.append([self.begin, *ids, self.end])
        limit = getattr(self.model.config, "max_position_embeddings", None)
        longest = max(map(len, rows), default=1) - 1
        if limit is not None and longest > limit:
            raise RecipeError(
                f"{self.name}: a hypothesis has {longest} tokens, the model takes {limit}"
            )
        return score_rows(rows, self.batch_tokens, self._log_probs, self.device)

    def _log_probs(self, ids: Tensor, lengths: Tensor) -> Tensor:
        mask = torch.arange(ids.size(1), device=ids.device) < lengths[:, None]
        logits = self.model(input_ids=ids, attention_mask=mask.long()).logits
        return torch.log_softmax(logits.float(), dim=-1)


def change_case(text: str, case: str) -> str:
    """Bring a text into one of CASES."""
    if case == "as_is":
        return text
    lower = text.lower()
    if case == "lower":
        return lower
    words = [
        word.capitalize() if word == "i" or word.startswith("i'") else word
        for word in lower.split(" ")
    ]
    joined = " ".join(words)
    return joined[:1].upper() + joined[1:]
