"""Best paths with k2: in the HLG graph, and in the CTC topology alone.

The score is that of the best path, not a sum over alignments.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import k2
import torch
from torch import Tensor

from asr.decode.hypothesis import Hypothesis, no_path
from asr.decode.lattice import (
    Beams,
    Hlg,
    LatticeSearch,
    Outcome,
    not_empty,
    sums,
    word_ids,
)
from asr.decode.log_probs import LogProbs
from asr.text.tokenizer import join_pieces

T = TypeVar("T")


class K2Decoder:
    """What k2's decoders have in common: single utterances as batches of one."""

    def batch(self, log_probs: Tensor, lengths: Tensor) -> list[list[Hypothesis]]:
        """Hypotheses of each utterance, best first.

        Args:
            log_probs: (B, T, V) float32, natural log.
            lengths: (B,) frames of each utterance.

        An utterance of no frames has the empty hypothesis. One whose first search
        finds nothing or runs out of memory is marked as ``second_try``; one without
        any path at all has the empty hypothesis, marked as failed.
        """
        raise NotImplementedError

    def __call__(self, log_probs: LogProbs) -> list[Hypothesis]:
        """Hypotheses of one utterance (T, V)."""
        batch = torch.from_numpy(log_probs)[None]
        return self.batch(batch, torch.tensor([len(log_probs)]))[0]


class HlgDecoder(K2Decoder):
    """Decodes padded batches; several decoders may share one graph.

    Args:
        hlg: graph and words (``load_hlg``).
        hlg_scale: factor of the LM's ln probabilities (all scores in HLG).
        beams: bounds of the search.
    """

    def __init__(
        self, hlg: Hlg, *, hlg_scale: float = 1.0, beams: Beams | None = None
    ) -> None:
        self._search = LatticeSearch(hlg.graph, hlg_scale, beams or Beams())
        self._words, self._scale = hlg.words, hlg_scale

    def batch(self, log_probs: Tensor, lengths: Tensor) -> list[list[Hypothesis]]:
        outcomes = self._search.run(log_probs, lengths, self._best)
        return one_best(outcomes, lengths)

    def _best(self, lattice: k2.Fsa) -> list[Hypothesis | None]:
        paths = k2.shortest_path(lattice, use_double_scores=True)
        columns = sums(paths, paths.am_scores), sums(paths, paths.lm_scores)
        ids = word_ids(paths, paths.aux_labels)
        hyps: list[Hypothesis | None] = []
        for found, row, am, lm in zip(not_empty(paths), ids, *columns, strict=True):
            text = " ".join(self._words[i] for i in row)
            hyp = Hypothesis(text, (), am + self._scale * lm, am, lm)
            hyps.append(hyp if found else None)
        return hyps


class ScaledHlg(HlgDecoder):
    """Best paths also for other scales, from the same lattice, for tuning.

    Kaldi's recipes choose the language model's weight so.

    Args:
        hlg, hlg_scale, beams: as of ``HlgDecoder``.
        ratios: the other scales, as multiples of ``hlg_scale``.

    The hypotheses are the best path of the scale itself, then those of the others,
    all scored with ``hlg_scale``; the same words may come more than once.
    """

    def __init__(
        self,
        hlg: Hlg,
        *,
        hlg_scale: float,
        ratios: Sequence[float],
        beams: Beams | None = None,
    ) -> None:
        super().__init__(hlg, hlg_scale=hlg_scale, beams=beams)
        self._ratios = (1.0, *ratios)

    def batch(self, log_probs: Tensor, lengths: Tensor) -> list[list[Hypothesis]]:
        outcomes = self._search.run(log_probs, lengths, self._all)
        return n_best(outcomes, lengths, lambda hyps: hyps)

    def _all(self, lattice: k2.Fsa) -> list[list[Hypothesis] | None]:
        columns = []
        for ratio in self._ratios:
            scale = self._scale * ratio
            lattice.scores = lattice.am_scores + scale * lattice.lm_scores
            columns.append(self._best(lattice))
        rows = zip(*columns, strict=True)
        return [[hyp for hyp in row if hyp is not None] or None for row in rows]


class CtcDecoder(K2Decoder):
    """The best path of the CTC topology alone: no lexicon, no LM.

    Args:
        tokens: of the model, blank first.
        separator: between the tokens of a text.
        beams: bounds of the search.
        device: to search on.
    """

    def __init__(
        self,
        tokens: Sequence[str],
        *,
        separator: str = "",
        beams: Beams | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        graph = k2.ctc_topo(len(tokens) - 1, device=device)
        graph.lm_scores = torch.zeros_like(graph.scores)
        self._tokens, self._separator = list(tokens), separator
        self._search = LatticeSearch(graph, 0.0, beams or Beams())

    def batch(self, log_probs: Tensor, lengths: Tensor) -> list[list[Hypothesis]]:
        outcomes = self._search.run(log_probs, lengths, self._best)
        return one_best(outcomes, lengths)

    def _best(self, lattice: k2.Fsa) -> list[Hypothesis | None]:
        paths = k2.shortest_path(lattice, use_double_scores=True)
        ids = word_ids(paths, paths.aux_labels)
        found = not_empty(paths)
        hyps: list[Hypothesis | None] = []
        for n, score in enumerate(sums(paths, paths.am_scores)):
            text = join_pieces((self._tokens[i] for i in ids[n]), self._separator)
            hyp = Hypothesis(text, tuple(ids[n]), score, score, 0.0)
            hyps.append(hyp if found[n] else None)
        return hyps


def one_best(
    outcomes: Sequence[Outcome[Hypothesis]], lengths: Tensor
) -> list[list[Hypothesis]]:
    """Lists of one hypothesis, the empty one where nothing was found."""
    return n_best(outcomes, lengths, lambda hyp: [hyp])


def n_best(
    outcomes: Sequence[Outcome[T]],
    lengths: Tensor,
    rank: Callable[[T], Sequence[Hypothesis]],
) -> list[list[Hypothesis]]:
    """Hypotheses of each outcome, marked where they come from a second try."""
    lists = []
    for outcome, length in zip(outcomes, lengths.tolist(), strict=True):
        if outcome.result is None:
            hyps: Sequence[Hypothesis] = [
                no_path() if length else Hypothesis("", (), 0.0, 0.0, 0.0)
            ]
        else:
            hyps = rank(outcome.result)
        lists.append([replace(hyp, second_try=outcome.second_try) for hyp in hyps])
    return lists
