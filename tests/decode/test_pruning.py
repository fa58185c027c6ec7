"""Bounds of a search chosen by search errors, not by word errors."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.decode.beam import PrefixBeamSearch
from asr.decode.hypothesis import Hypothesis, no_path
from asr.decode.log_probs import read_log_probs
from asr.decode.methods import SearchOptions
from asr.decode.pruning import TOLERANCE, choose_pruning, pruning_table
from asr.decode.tune import DevSet, tune_method
from asr.lm.ngram import NgramLm

BOUNDS = {
    "beam_size": (16, 32, 64, 128),
    "beam_threshold": (8.0, 10.0, 14.0),
    "token_threshold": (5.0, 8.0, 12.0),
}
Loss = Callable[[SearchOptions], float]


def searching(loss: Loss, seen: list[SearchOptions]) -> Any:
    """A search whose best hypotheses score -100, but for what the bounds lose."""

    def search(grid: Sequence[SearchOptions]) -> list[dict[str, list[Hypothesis]]]:
        seen.extend(grid)
        scores = [-100.0 - loss(options) for options in grid]
        return [
            {f"u{n}": [Hypothesis("W", (), s + n, s, 0.0)] for n in range(4)}
            for s in scores
        ]

    return search


@pytest.mark.parametrize(
    "loss,expected",
    [
        (lambda o: 0.0, (16, 8.0, 5.0)),
        (lambda o: 1.0 * (o.beam_size < 64), (64, 8.0, 5.0)),
        (lambda o: 32.0 / o.beam_size, (128, 8.0, 5.0)),
        (lambda o: 0.9 * TOLERANCE * (o.beam_size < 128), (16, 8.0, 5.0)),
        (lambda o: 1.0 * (o.token_threshold < 12), (16, 8.0, 12.0)),
        # A narrow one that does well by chance does not count below one that does not.
        (lambda o: 1.0 * (o.beam_threshold == 10.0), (16, 14.0, 5.0)),
        # What is enough for the narrower beam is what is asked, not for the widest.
        (
            lambda o: 1.0 * (o.beam_size == 16) * (o.beam_threshold < 14),
            (16, 14.0, 5.0),
        ),
    ],
)
def test_the_narrowest_at_which_no_score_falls(
    loss: Loss, expected: tuple[float, ...]
) -> None:
    seen: list[SearchOptions] = []
    given = SearchOptions(nbest=7, lm_weight=0.3, beam_size=5)
    chosen, trials = choose_pruning(searching(loss, seen), given, BOUNDS)
    assert tuple(getattr(chosen, name) for name in BOUNDS) == expected
    bounds = dict(zip(BOUNDS, expected, strict=True))
    assert chosen == replace(given, **bounds)  # nothing else has changed
    assert len(seen) == len(trials) == 10 and {o.nbest for o in seen} == {1}
    widest = (seen[0].beam_size, seen[0].beam_threshold, seen[0].token_threshold)
    assert widest == (128, 14.0, 12.0)
    table = pruning_table(trials, chosen).splitlines()[1:]
    for line, (name, value) in zip(table, bounds.items(), strict=True):
        assert line.strip().startswith(name) and f" {value:g}* " in line
        assert line.count("*") == 1


def test_a_search_that_finds_nothing_is_too_narrow() -> None:
    def search(grid: Sequence[SearchOptions]) -> list[dict[str, list[Hypothesis]]]:
        found = [Hypothesis("W", (), -5.0, -5.0, 0.0)]
        none = [no_path()]
        return [{"a": found if o.beam_size > 16 else none, "never": none} for o in grid]

    sizes = {"beam_size": BOUNDS["beam_size"]}
    chosen, trials = choose_pruning(search, SearchOptions(), sizes)
    assert chosen.beam_size == 32
    assert [trial.loss for trial in trials] == [0.0, 0.0, 0.0, np.inf]


def test_stage_7_chooses_bounds_that_lose_no_score(
    world: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """Real searches: the scores are those of the widest, and what is given stays."""
    axes = {
        "lm_weight": (0.5, 1.0),
        "word_score": (0.0, 1.0),
        "unk_score": (-9.0, -4.0),
    }
    bounds = {"beam_size": (1, 2, 8, 40), "token_threshold": (0.5, 3.0, 20.0)}
    arpa: Path = world["dir"] / "arpa"
    options = tune_method(
        "beam-lm",
        DevSet(world["h5"], world["refs"], 1e9),
        axes,
        lang_dir=world["dir"],
        lm=arpa,
        options=SearchOptions(nbest=3, beam_threshold=11.0),
        nj=1,
        bounds=bounds,
    )
    assert (options.nbest, options.beam_threshold) == (3, 11.0)
    assert "search errors" in capfd.readouterr().out

    def mean(beam_size: int, token_threshold: float) -> float:
        search = PrefixBeamSearch(
            world["t"].tokens,
            NgramLm(arpa),
            beam_size=beam_size,
            beam_threshold=11.0,
            token_threshold=token_threshold,
            lm_weight=options.lm_weight,
            word_score=options.word_score,
            unk_score=options.unk_score,
        )
        hyps = [search(u.log_probs)[0] for u in read_log_probs(world["h5"])]
        return float(np.mean([hyp.score for hyp in hyps]))

    chosen, widest = mean(options.beam_size, options.token_threshold), mean(40, 20.0)
    assert widest - 2 * TOLERANCE <= chosen
    assert mean(1, 0.5) < widest - 2 * TOLERANCE < mean(40, 20.0)  # there was a choice
    assert options.beam_size < 40 or options.token_threshold < 20.0
