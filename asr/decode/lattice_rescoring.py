"""Rescoring with a larger n-gram: of n-best lists from a lattice, or all of it.

Both replace the n-gram in HLG, wholly or in part:

    score = am + own_scale * lm + larger_scale * larger

With ``larger_scale`` 0 and HLG's scale as ``own_scale`` they find HLG's best path again:
scales tuned on a set, that point among them, never do worse there. The n-best list is made
as icefall makes it: random paths of the lattice (its scores scaled by ``nbest_scale``;
the flatter, the more different they are), of each word sequence the best alignment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import k2
import torch
from torch import Tensor

from asr.decode.hlg import K2Decoder, n_best
from asr.decode.hypothesis import Hypothesis
from asr.decode.lattice import (
    Beams,
    Hlg,
    LatticeSearch,
    Outcome,
    not_empty,
    sums,
    word_ids,
)
from asr.errors import RecipeError
from asr.fsa.graph import load_tensors


class SentenceLm(Protocol):
    """What scores whole sentences (``asr.lm.ngram.NgramLm``)."""

    def sentence(self, words: Sequence[str]) -> float:
        """ln p, the sentence's end included."""


@dataclass(frozen=True)
class Candidate:
    """A word sequence with its three scores, ln, unscaled."""

    text: str
    am: float
    lm: float
    larger: float

    def hypothesis(self, own_scale: float, larger_scale: float) -> Hypothesis:
        """Scored as said above."""
        score = self.am + own_scale * self.lm + larger_scale * self.larger
        return Hypothesis(
            self.text, (), score, self.am, self.lm, larger_score=self.larger
        )


def rank(
    candidates: Sequence[Candidate], own_scale: float, larger_scale: float
) -> list[Hypothesis]:
    """Best first; of equals the earlier."""
    hyps = [candidate.hypothesis(own_scale, larger_scale) for candidate in candidates]
    return sorted(hyps, key=lambda hyp: -hyp.score)


class NbestRescoring(K2Decoder):
    """N-best lists of lattices, rescored with an LM of whole sentences.

    Args:
        hlg: graph and words (``load_hlg``).
        larger: the LM to rescore with, or None.
        hlg_scale: of HLG's scores, in the search and the sampling.
        own_scale, larger_scale: see above.
        num_paths: sampled from each lattice.
        nbest_scale: of the lattice's scores in the sampling.
        nbest: hypotheses returned at most.
        beams: bounds of the search.
    """

    def __init__(
        self,
        hlg: Hlg,
        larger: SentenceLm | None,
        *,
        hlg_scale: float = 1.0,
        own_scale: float = 0.0,
        larger_scale: float = 1.0,
        num_paths: int = 100,
        nbest_scale: float = 0.5,
        nbest: int = 10,
        beams: Beams | None = None,
    ) -> None:
        self._search = LatticeSearch(hlg.graph, hlg_scale, beams or Beams())
        self._words, self._larger = hlg.words, larger
        self._scales = own_scale, larger_scale
        self._sampling = num_paths, nbest_scale
        self._hlg_scale, self._nbest = hlg_scale, nbest

    def batch(self, log_probs: Tensor, lengths: Tensor) -> list[list[Hypothesis]]:
        outcomes = self.candidates(log_probs, lengths)
        ranked = n_best(outcomes, lengths, lambda found: rank(found, *self._scales))
        return [hyps[: self._nbest] for hyps in ranked]

    def candidates(
        self, log_probs: Tensor, lengths: Tensor
    ) -> list[Outcome[list[Candidate]]]:
        """All that was sampled, for ``rank`` at any scales."""
        return self._search.run(log_probs, lengths, self._sample)

    def _sample(self, lattice: k2.Fsa) -> list[list[Candidate] | None]:
        sequences = self._sequences(lattice)
        utterances = [n for n, some in enumerate(sequences) for _ in some]
        flat = [list(ids) for some in sequences for ids in some]
        found: list[list[Candidate] | None] = [[] if s else None for s in sequences]
        if not flat:
            return found
        paths = _best_alignments(lattice, flat, utterances)
        scores = sums(paths, paths.am_scores), sums(paths, paths.lm_scores)
        for n, ids, am, lm in zip(utterances, flat, *scores, strict=True):
            words = [self._words[i] for i in ids]
            larger = self._larger.sentence(words) if self._larger else 0.0
            candidates = found[n]
            assert candidates is not None
            candidates.append(Candidate(" ".join(words), am, lm, larger))
        return found

    def _sequences(self, lattice: k2.Fsa) -> list[list[tuple[int, ...]]]:
        """Different word sequences of each lattice, that of the best path first."""
        num_paths, scale = self._sampling
        best = k2.shortest_path(lattice, use_double_scores=True)
        first = word_ids(best, best.aux_labels)
        flat = k2.Fsa(lattice.arcs)  # shares the arcs; the scores come below
        flat.scores = lattice.scores * scale
        arcs = k2.random_paths(flat, use_double_scores=True, num_paths=num_paths)
        words = k2.ragged.index(lattice.aux_labels, arcs).remove_values_leq(0).tolist()
        return [
            list(dict.fromkeys(map(tuple, [first[n], *sampled]))) if sampled else []
            for n, sampled in enumerate(words)
        ]


def _best_alignments(
    lattice: k2.Fsa, sequences: Sequence[list[int]], utterances: Sequence[int]
) -> k2.Fsa:
    """The best path of each word sequence in the lattice of its utterance."""
    device = lattice.device
    by_word = k2.arc_sort(k2.invert(lattice))
    lines = k2.linear_fsa(list(sequences), device=device)
    lines.scores = torch.zeros(lines.num_arcs, device=device)
    paths = k2.intersect_device(
        by_word,
        k2.add_epsilon_self_loops(lines),
        b_to_a_map=torch.tensor(utterances, dtype=torch.int32, device=device),
        sorted_match_a=True,
    )
    return k2.shortest_path(k2.top_sort(k2.connect(paths)), use_double_scores=True)


def load_rescoring_grammar(
    lang_dir: Path, device: str | torch.device = "cpu"
) -> k2.Fsa:
    """Read ``G.pt``; its scores are there again as ``larger_scores``."""
    path = lang_dir / "G.pt"
    if not path.is_file():
        raise RecipeError(f"{path} is missing: redo the graph stage (5)")
    arcs = load_tensors(path)["arcs"].to(device)
    grammar = k2.arc_sort(k2.create_fsa_vec([k2.Fsa(arcs)]))
    grammar.larger_scores = grammar.scores.clone()
    return grammar


class LatticeRescoring(K2Decoder):
    """The whole lattice rescored with a larger n-gram, and its best path then.

    Args:
        hlg: graph and words (``load_hlg``).
        larger: G (``load_rescoring_grammar``).
        hlg_scale: of HLG's scores, in the search.
        own_scale, larger_scale: see above.
        others: more such pairs, for tuning: their best paths too are returned.
        beams: bounds of the search.
    """

    def __init__(
        self,
        hlg: Hlg,
        larger: k2.Fsa,
        *,
        hlg_scale: float = 1.0,
        own_scale: float = 0.0,
        larger_scale: float = 1.0,
        others: Sequence[tuple[float, float]] = (),
        beams: Beams | None = None,
    ) -> None:
        self._search = LatticeSearch(hlg.graph, hlg_scale, beams or Beams())
        self._words, self._larger = hlg.words, larger
        self._scales = ((own_scale, larger_scale), *others)

    def batch(self, log_probs: Tensor, lengths: Tensor) -> list[list[Hypothesis]]:
        outcomes = self._search.run(log_probs, lengths, self._all)
        return n_best(outcomes, lengths, lambda hyps: hyps)

    def _all(self, lattice: k2.Fsa) -> list[list[Hypothesis] | None]:
        rescored = self.rescore(lattice)
        columns = [self.best(rescored, scales) for scales in self._scales]
        rows = zip(*columns, strict=True)
        return [[hyp for hyp in row if hyp is not None] or None for row in rows]

    def rescore(self, lattice: k2.Fsa) -> k2.Fsa:
        """Lattices with ``am_scores``, ``lm_scores`` and ``larger_scores``."""
        by_word = k2.arc_sort(k2.invert(lattice))
        zeros = torch.zeros(lattice.shape[0], dtype=torch.int32, device=lattice.device)
        both = k2.intersect_device(
            self._larger, by_word, b_to_a_map=zeros, sorted_match_a=True
        )
        return k2.top_sort(k2.connect(both))

    def best(
        self, rescored: k2.Fsa, scales: tuple[float, float]
    ) -> list[Hypothesis | None]:
        """Best paths at these scales, all scored with the decoder's own."""
        lm_scores = scales[0] * rescored.lm_scores + scales[1] * rescored.larger_scores
        rescored.scores = rescored.am_scores + lm_scores
        paths = k2.shortest_path(rescored, use_double_scores=True)
        columns = (paths.am_scores, paths.lm_scores, paths.larger_scores)
        rows = zip(
            not_empty(paths),
            word_ids(paths, paths.labels.contiguous()),
            *(sums(paths, c) for c in columns),
            strict=True,
        )
        return [
            Candidate(" ".join(self._words[i] for i in ids), *numbers).hypothesis(
                *self._scales[0]
            )
            if found
            else None
            for found, ids, *numbers in rows
        ]
