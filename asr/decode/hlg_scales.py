"""What the HLG graph would give with other scales, from the lattice of one search.

The lattice of every utterance is kept from a search with one scale, and its best path
found anew for each of some others: the way Kaldi's recipes choose the language model's
weight. k2 is imported here, in asr/decode/hlg.py and in asr/fsa/ only.
"""

from collections.abc import Sequence

import k2
import torch

from asr.decode.hlg import Hlg
from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import LogProbs

# The lattice has to hold what other scales want, not only what this one does.
WIDER = 2.0  # times the beams of one-best decoding
RATIOS = tuple(2.0 ** (n / 3) for n in range(-9, 10))  # of the scale: 1/8 to 8


def scaled_nbest(
    hlg: Hlg,
    log_probs: LogProbs,
    *,
    hlg_scale: float,
    search_beam: float,
    output_beam: float,
    min_active: int,
    max_active: int,
    ratios: Sequence[float] = RATIOS,
) -> list[Hypothesis]:
    """The best path of one utterance for ``hlg_scale``, then those of other scales.

    Args:
        log_probs: (T, V), natural log.
        hlg_scale and what follows it: as of ``HlgDecoder``.
        ratios: the other scales, as factors of ``hlg_scale``.

    All scores are those at ``hlg_scale``; word sequences may come more than once. An
    utterance without any path has one hypothesis that is empty and marked as failed.
    """
    if not len(log_probs):
        return [Hypothesis("", (), 0.0, 0.0, 0.0)]
    hlg.graph.scores = hlg.graph.lm_scores * hlg_scale
    segments = torch.tensor([[0, 0, len(log_probs)]], dtype=torch.int32)
    lattice = k2.intersect_dense_pruned(
        hlg.graph,
        k2.DenseFsaVec(torch.from_numpy(log_probs)[None], segments),
        search_beam,
        WIDER * output_beam,
        min_active,
        max_active,
    )
    if not lattice.num_arcs:
        return [Hypothesis("", (), 0.0, 0.0, 0.0, failed=True)]
    acoustic = lattice.scores - hlg_scale * lattice.lm_scores
    lattice.am_scores = acoustic
    return [_best(hlg, lattice, hlg_scale, ratio) for ratio in (1.0, *ratios)]


def _best(hlg: Hlg, lattice: k2.Fsa, scale: float, ratio: float) -> Hypothesis:
    """The best path with ``ratio * scale``, scored with ``scale``."""
    lattice.scores = lattice.am_scores + scale * ratio * lattice.lm_scores
    path = k2.shortest_path(lattice, use_double_scores=True)[0]
    words = path.aux_labels
    ids = words.values if isinstance(words, k2.RaggedTensor) else words
    text = " ".join(hlg.words[i] for i in ids.tolist() if i > 0)
    am_score = float(path.am_scores.double().sum())
    lm_score = float(path.lm_scores.double().sum())
    return Hypothesis(text, (), am_score + scale * lm_score, am_score, lm_score)
