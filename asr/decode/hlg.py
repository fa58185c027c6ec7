"""One-best decoding in the HLG graph with k2.

Viterbi search of the whole graph: Povey et al., "Speech recognition with
next-generation Kaldi", Interspeech 2021 tutorial. The score is that of the best path,
not a sum over alignments. k2 is imported here and in asr/fsa/graph.py only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import k2
import torch
from torch import Tensor

from asr.decode.hypothesis import Hypothesis
from asr.fsa.graph import load_fsa
from asr.fsa.lexicon import read_words

# A second try for utterances without any path: (search and output beam, max_active).
RETRY_FACTORS = (2.0, 4)


@dataclass(frozen=True)
class Hlg:
    """The graph, and its words by their ids."""

    graph: k2.Fsa
    words: list[str]


def load_hlg(lang_dir: Path) -> Hlg:
    """Read ``HLG.pt`` and ``words.txt``."""
    return Hlg(load_fsa(lang_dir / "HLG.pt"), read_words(lang_dir / "words.txt"))


class HlgDecoder:
    """Decodes padded batches; several decoders may share one graph.

    Args:
        hlg: graph and words (``load_hlg``).
        hlg_scale: factor of the LM's ln probabilities (all scores in HLG).
        search_beam: paths this far below the frame's best are dropped (ln).
        output_beam: the same over the whole utterance, for what the lattice keeps.
        min_active, max_active: states kept per frame, whatever the beams say.
    """

    def __init__(
        self,
        hlg: Hlg,
        *,
        hlg_scale: float = 1.0,
        search_beam: float = 15.0,
        output_beam: float = 6.0,
        min_active: int = 30,
        max_active: int = 3000,
    ) -> None:
        self._graph, self._words = hlg.graph, hlg.words
        self._beams = (search_beam, output_beam)
        self._active = (min_active, max_active)
        self._scale = hlg_scale

    def decode(self, log_probs: Tensor, lengths: Tensor) -> list[Hypothesis]:
        """Best word sequences of a batch, in its order.

        Args:
            log_probs: (B, T, V) float32, natural log.
            lengths: (B,) frames of each utterance.

        An utterance of no frames has the empty hypothesis. One without any path is
        searched again with wider beams; if that finds nothing either, its hypothesis
        is empty and marked as failed.
        """
        self._graph.scores = self._graph.lm_scores * self._scale
        hyps: list[Hypothesis | None] = [None] * len(lengths)
        beams, active = self._beams, self._active
        for attempt in range(2):
            if attempt:
                beams = (beams[0] * RETRY_FACTORS[0], beams[1] * RETRY_FACTORS[0])
                active = (active[0], active[1] * RETRY_FACTORS[1])
            open_ = [i for i, n in enumerate(lengths.tolist()) if n and not hyps[i]]
            for i, hyp in self._search(log_probs, lengths, open_, beams, active):
                hyps[i] = hyp
        return [
            hyp or Hypothesis("", (), 0.0, 0.0, 0.0, failed=bool(lengths[i]))
            for i, hyp in enumerate(hyps)
        ]

    def _search(
        self,
        log_probs: Tensor,
        lengths: Tensor,
        rows: Sequence[int],
        beams: tuple[float, float],
        active: tuple[int, int],
    ) -> Iterator[tuple[int, Hypothesis]]:
        """One search of some rows of the batch; yields what it found."""
        if not rows:
            return
        longest_first = sorted(rows, key=lambda i: -int(lengths[i]))  # k2 wants it so
        segments = [[i, 0, int(lengths[i])] for i in longest_first]
        dense = k2.DenseFsaVec(log_probs, torch.tensor(segments, dtype=torch.int32))
        lattice = k2.intersect_dense_pruned(
            self._graph, dense, beams[0], beams[1], active[0], active[1]
        )
        best = k2.shortest_path(lattice, use_double_scores=True)
        for n, i in enumerate(longest_first):
            path = best[n]
            if path.num_arcs:
                yield i, self._hypothesis(path)

    def _hypothesis(self, path: k2.Fsa) -> Hypothesis:
        words = path.aux_labels
        ids = words.values if isinstance(words, k2.RaggedTensor) else words
        text = " ".join(self._words[i] for i in ids.tolist() if i > 0)
        score = float(path.scores.double().sum())
        lm_score = float(path.lm_scores.double().sum())
        am_score = score - self._scale * lm_score
        return Hypothesis(text, (), score, am_score, lm_score)
