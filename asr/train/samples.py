"""A table of dev utterances and what the model makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from asr.data.dataset import Utterance, collate
from asr.decode.beam import PrefixBeamSearch
from asr.decode.greedy import greedy_search
from asr.score.error_rate import count_errors
from asr.train.split import Split


@dataclass(frozen=True)
class Sample:
    """One row of the table; the rates are fractions."""

    id: str
    decoder: str  # greedy | beam
    target: str
    prediction: str
    cer: float
    wer: float

    @property
    def row(self) -> tuple[str, ...]:
        """As text, in the order of ``SAMPLES_HEADER``, the rates in percent."""
        rates = (f"{100 * rate:.2f}" for rate in (self.cer, self.wer))
        return (self.id, self.decoder, self.target, self.prediction, *rates)


def choose(utterances: Sequence[Utterance], number: int, *key: int) -> list[Utterance]:
    """Draw up to ``number`` utterances; the same ``key`` draws the same ones."""
    rng = np.random.default_rng(key)
    size = min(number, len(utterances))
    chosen = rng.choice(len(utterances), size=size, replace=False)
    return [utterances[i] for i in chosen]


@torch.no_grad()
def decode_samples(
    model: nn.Module,
    dev: Split,
    chosen: Sequence[Utterance],
    tokens: Sequence[str],
    beam_size: int,
    separator: str = "",
) -> list[Sample]:
    """Decode greedily and by prefix beam search without a language model.

    Runs without dropout, and leaves the model in the mode that it was in.
    """
    search = PrefixBeamSearch(tokens, separator=separator, beam_size=beam_size)
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    samples = []
    for utterance in chosen:  # one by one: no padding, and memory for one only
        batch = collate([utterance], [dev.reader.read(utterance.id)])
        log_probs, lengths = model(
            batch.features.to(device), batch.feature_lengths.to(device)
        )
        rows = log_probs[0, : int(lengths[0])].float().cpu().numpy()
        target = dev.texts[utterance.id]
        greedy, beam = greedy_search(rows, tokens, separator), search(rows)[0]
        samples.append(_score(utterance.id, "greedy", target, greedy.text))
        samples.append(_score(utterance.id, "beam", target, beam.text))
    model.train(training)
    return samples


def _score(id_: str, decoder: str, target: str, prediction: str) -> Sample:
    cer = count_errors(list(target), list(prediction)).rate
    wer = count_errors(target.split(), prediction.split()).rate
    return Sample(id_, decoder, target, prediction, cer, wer)
