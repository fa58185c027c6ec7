"""Lattices from a graph, with a second try where the first does not work.

k2's search of a whole graph: Povey et al., "Speech recognition with next-generation
Kaldi", Interspeech 2021 tutorial.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Generic, TypeVar

import k2
import torch
from torch import Tensor

from asr.fsa.graph import load_graph
from asr.fsa.lexicon import read_words

T = TypeVar("T")


@dataclass(frozen=True)
class Hlg:
    """The graph, and its words by their ids."""

    graph: k2.Fsa
    words: list[str]


def load_hlg(lang_dir: Path, device: str | torch.device = "cpu") -> Hlg:
    """Read ``HLG.pt`` and ``words.txt``; the scores are there again as ``lm_scores``.

    Raises:
        RecipeError: one is missing or damaged.
    """
    words = read_words(lang_dir / "words.txt")
    arrays = load_graph(lang_dir / "HLG.pt")
    arcs, word_ids = torch.from_numpy(arrays.arcs), torch.from_numpy(arrays.words)
    graph = k2.Fsa(arcs.to(device), aux_labels=word_ids.to(device))
    graph.lm_scores = graph.scores.clone()
    return Hlg(graph, words)


@dataclass(frozen=True)
class Beams:
    """What bounds k2's pruned search.

    Attributes:
        search_beam: paths this far below the frame's best are dropped (ln).
        output_beam: the same over the whole utterance, for what the lattice keeps.
        min_active, max_active: states kept per frame, whatever the beams say.
    """

    search_beam: float = 15.0
    output_beam: float = 6.0
    min_active: int = 30
    max_active: int = 3000

    def scaled(self, factor: float, active: float) -> "Beams":
        """Wider or narrower."""
        most = max(2, int(self.max_active * active))
        return replace(
            self,
            search_beam=self.search_beam * factor,
            output_beam=self.output_beam * factor,
            min_active=min(self.min_active, most - 1),  # k2 wants it so
            max_active=most,
        )

    @property
    def wider(self) -> "Beams":
        """For an utterance without any path."""
        return self.scaled(2.0, 4.0)

    @property
    def narrower(self) -> "Beams":
        """For an utterance that memory does not hold."""
        return self.scaled(0.5, 0.25)


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What came of an utterance; ``result`` is None where nothing did."""

    result: T | None = None
    second_try: bool = False


Work = Callable[[k2.Fsa], Sequence[T | None]]


class LatticeSearch:
    """Makes lattices of padded batches and has them worked on.

    Args:
        graph: with ``lm_scores``; several searches may share it.
        hlg_scale: factor of the LM's ln probabilities (all scores in the graph).
        beams: of the first try.
    """

    def __init__(self, graph: k2.Fsa, hlg_scale: float, beams: Beams) -> None:
        self._graph, self._scale, self._beams = graph, hlg_scale, beams

    def run(
        self, log_probs: Tensor, lengths: Tensor, work: Work[T]
    ) -> list[Outcome[T]]:
        """Apply ``work`` to the lattices of a batch; its results in the batch's order.

        Args:
            log_probs: (B, T, V) float32, natural log.
            lengths: (B,) frames of each utterance.
            work: gets the lattices of several utterances with the attributes
                ``am_scores`` and ``lm_scores`` (unscaled), and returns a result for
                each, None for an empty lattice.

        An utterance whose lattice is empty is searched again with wider beams. Where
        memory does not hold a batch, its utterances are searched one by one, and those
        that even then are too large with narrower beams.
        """
        log_probs = log_probs.to(self._graph.device)
        outcomes: list[Outcome[T]] = [Outcome()] * len(lengths)
        rows = [i for i, n in enumerate(lengths.tolist()) if n]
        for i, result in self._some(log_probs, lengths, rows, self._beams, work):
            outcomes[i] = result
        empty = [i for i in rows if outcomes[i] == Outcome()]
        for i, result in self._some(log_probs, lengths, empty, self._beams.wider, work):
            outcomes[i] = Outcome(result.result, second_try=True)
        return outcomes

    def _some(
        self,
        log_probs: Tensor,
        lengths: Tensor,
        rows: Sequence[int],
        beams: Beams,
        work: Work[T],
    ) -> Iterable[tuple[int, Outcome[T]]]:
        """Some rows of the batch, however memory allows it."""
        order = sorted(rows, key=lambda i: -int(lengths[i]))  # k2 wants it so
        if not order:
            return
        found = self._attempt(log_probs, lengths, order, beams, work)
        if found is not None:
            for i, result in zip(order, found, strict=True):
                yield i, Outcome(result)
        elif len(order) > 1:
            for i in order:
                yield from self._some(log_probs, lengths, [i], beams, work)
        else:
            found = self._attempt(log_probs, lengths, order, beams.narrower, work)
            yield order[0], Outcome(found[0] if found else None, second_try=True)

    def _attempt(
        self,
        log_probs: Tensor,
        lengths: Tensor,
        rows: Sequence[int],
        beams: Beams,
        work: Work[T],
    ) -> Sequence[T | None] | None:
        """One search; None where it ran out of memory."""
        segments = [[i, 0, int(lengths[i])] for i in rows]
        dense = k2.DenseFsaVec(log_probs, torch.tensor(segments, dtype=torch.int32))
        self._graph.scores = self._graph.lm_scores * self._scale
        try:
            lattice = k2.intersect_dense_pruned(
                self._graph,
                dense,
                beams.search_beam,
                beams.output_beam,
                beams.min_active,
                beams.max_active,
            )
            lattice.am_scores = lattice.scores - self._scale * lattice.lm_scores
            return work(lattice)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        return None  # outside of the except clause, whose traceback holds the lattice


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory is what k2 or PyTorch complains of."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(
        words in said
        for words in ("out of memory", "can't allocate memory", "bad_alloc")
    )


def sums(paths: k2.Fsa, values: Tensor) -> list[float]:
    """Of one value for each arc: the sum along each of several linear paths."""
    shape = paths.arcs.shape().remove_axis(1)
    totals: list[float] = k2.RaggedTensor(shape, values.double()).sum().tolist()
    return totals


def word_ids(paths: k2.Fsa, labels: Tensor) -> list[list[int]]:
    """Labels above 0 along each of several linear paths."""
    shape = paths.arcs.shape().remove_axis(1)
    ids: list[list[int]] = k2.RaggedTensor(shape, labels).remove_values_leq(0).tolist()
    return ids


def not_empty(paths: k2.Fsa) -> list[bool]:
    """Which of several linear paths there are."""
    shape = paths.arcs.shape().remove_axis(1)
    begins: list[int] = shape.row_splits(1).tolist()
    return [end > begin for begin, end in pairwise(begins)]
