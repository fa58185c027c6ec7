"""Loss and greedy error rate on the dev set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from asr.data.dataset import Batch
from asr.models.create import AcousticModel
from asr.score.error_rate import ErrorRate, count_errors
from asr.text.units import Units
from asr.train.loss import ctc_loss


@dataclass(frozen=True)
class Validation:
    """Loss per token (ln) and error counts of greedy decoding."""

    loss: float
    wer: ErrorRate
    cer: ErrorRate


@torch.no_grad()
def validate(
    model: AcousticModel,
    batches: Iterable[Batch],
    tokenizer: Units,
    refs: Mapping[str, str],
    device: torch.device,
) -> Validation:
    """Run the model over the dev batches, in float32 and without dropout."""
    model.eval()
    total, tokens = 0.0, 0
    words, characters = ErrorRate.zero(), ErrorRate.zero()
    for batch in batches:
        log_probs, lengths = model(
            batch.features.to(device), batch.feature_lengths.to(device)
        )
        total += float(ctc_loss(log_probs, lengths, batch).sum())
        tokens += len(batch.tokens)
        for id_, ids in zip(batch.ids, best_path(log_probs, lengths), strict=True):
            hyp = tokenizer.decode(ids)
            words += count_errors(refs[id_].split(), hyp.split())
            characters += count_errors(list(refs[id_]), list(hyp))
    model.train()
    return Validation(total / max(1, tokens), words, characters)


def best_path(log_probs: Tensor, lengths: Tensor) -> list[list[int]]:
    """Best token of every frame, repeats and blanks (0) taken out, per utterance."""
    best = log_probs.argmax(dim=-1).cpu()
    paths = [
        row[:n].unique_consecutive()
        for row, n in zip(best, lengths.tolist(), strict=True)
    ]
    return [path[path != 0].tolist() for path in paths]
