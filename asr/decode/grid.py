"""Real searches of the dev set with some scales, in parallel."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from asr.decode.candidates import Point
from asr.decode.child import Child, parent_is_gone
from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import read_log_probs
from asr.decode.methods import (
    REGISTRY,
    Maker,
    SearchOptions,
    load_method,
    unavailable,
)
from asr.errors import RecipeError
from asr.progress import LineTimer

MOST = 32  # hypotheses: more take longer than the search

Nbest = dict[str, list[Hypothesis]]  # by utterance id


@dataclass(frozen=True)
class DevSearch:
    """Decodes the same utterances as often as it is asked to.

    Attributes:
        method: one with scales.
        log_probs: ``log_probs.h5`` of the dev set; ``ids`` are the utterances of it.
        lang_dir, lm: what the method is loaded from.
        options: everything but the scales.
        nj: processes, which end with the ``with`` statement.
    """

    method: str
    log_probs: Path
    ids: Sequence[str]
    lang_dir: Path
    lm: Path | None
    options: SearchOptions
    nj: int
    _children: list[Child] = field(default_factory=list)

    def __enter__(self) -> "DevSearch":
        return self

    def __exit__(self, *_: object) -> None:
        while self._children:
            self._children.pop().end()

    def with_scales(self, point: Point) -> SearchOptions:
        """The options with the values of ``point`` in the order of the registry."""
        names = REGISTRY[self.method].scales
        scales: dict[str, Any] = dict(zip(names, point, strict=True))
        return replace(self.options, **scales)

    def __call__(self, points: Sequence[Point], explore: bool = False) -> list[Nbest]:
        """Decode the utterances at every point, with many hypotheses.

        With ``explore`` by the method's own way of finding many, if it has one: its
        best ones need not be those of the decoder.
        """
        most = max(self.options.nbest, min(self.options.beam_size, MOST))
        grid = [replace(self.with_scales(point), nbest=most) for point in points]
        return self.with_options(grid, explore)

    def with_options(
        self, grid: Sequence[SearchOptions], explore: bool = False
    ) -> list[Nbest]:
        """Decode the utterances with each of the options.

        Raises RecipeError if the method cannot run here or a process is killed.
        """
        reason = unavailable(self.method, self.lang_dir)
        if reason is not None:
            raise RecipeError(f"tuning {self.method}: {reason}")
        chunks = [list(self.ids[i :: self.nj]) for i in range(self.nj)]
        chunks = [chunk for chunk in chunks if chunk]

        while len(self._children) < len(chunks):
            self._children.append(Child(f"tuning {self.method}"))
        alone = replace(self, _children=[])

        def in_child(i: int) -> list[Nbest]:
            chunk, loud = chunks[i], i == 0
            found: list[Nbest] = self._children[i](
                alone.search_chunk, chunk, grid, explore, loud
            )
            return found

        with ThreadPoolExecutor(len(chunks)) as threads:  # they wait for the children
            parts = list(threads.map(in_child, range(len(chunks))))
        return [_merged(of_point) for of_point in zip(*parts, strict=True)]

    def search_chunk(
        self,
        ids: Sequence[str],
        grid: Sequence[SearchOptions],
        explore: bool,
        loud: bool,
    ) -> list[Nbest]:
        """N-best lists of some utterances at every point, searched in this process."""
        make = _loaded(self.method, self.lang_dir, self.lm, explore)
        utterances = list(read_log_probs(self.log_probs, list(ids)))
        found: list[Nbest] = []
        timer, done, total = LineTimer(), 0, len(grid) * len(utterances)
        for options in grid:
            decode = make(options)
            found.append({})
            for utterance in utterances:
                if parent_is_gone():
                    raise SystemExit(1)
                found[-1][utterance.id] = decode(utterance.log_probs)
                done += 1
                if loud and timer.due():
                    print(
                        f"tuning {self.method}: {done} of {total} searches", flush=True
                    )
        return found


@cache
def _loaded(method: str, lang_dir: Path, lm: Path | None, explore: bool) -> Maker:
    """What a process has loaded, it keeps."""
    return load_method(method, lang_dir, lm, tuning=explore)


def _merged(parts: Sequence[Mapping[str, list[Hypothesis]]]) -> Nbest:
    return {id_: hyps for part in parts for id_, hyps in part.items()}
