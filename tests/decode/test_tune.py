"""Tuning on dev: the best of the grid, and what decides between equals."""

from typing import Any

import pytest

from asr.decode.beam import PrefixBeamSearch
from asr.decode.grid import GridPoint, best_point
from asr.decode.log_probs import read_log_probs
from asr.decode.methods import SearchOptions, unavailable
from asr.decode.tune import (
    beam_lm_table,
    choose_ids,
    hlg_table,
    tune_beam_lm,
    tune_hlg,
)
from asr.errors import RecipeError
from asr.lm.ngram import NgramLm
from asr.score.error_rate import ErrorRate, count_errors


def test_tuning_finds_the_best_point_of_the_grid(
    world: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """Against the same grid, decoded one by one here."""
    lm = NgramLm(world["dir"] / "arpa")
    grid = [(w, s) for w in (0.0, 0.5, 1.0) for s in (-1.0, 0.0, 2.0)]
    errors = {}
    for weight, score in grid:
        search = PrefixBeamSearch(
            world["t"].tokens, lm, lm_weight=weight, word_score=score
        )
        wer, cer = ErrorRate.zero(), ErrorRate.zero()
        for utterance in read_log_probs(world["h5"]):
            ref, hyp = world["refs"][utterance.id], search(utterance.log_probs)[0].text
            wer += count_errors(ref.split(), hyp.split())
            cer += count_errors(list(ref), list(hyp))
        errors[weight, score] = (wer.errors, cer.errors)
    best = min(grid, key=lambda point: errors[point])
    assert len(set(errors.values())) > 2  # the grid matters
    options = tune_beam_lm(
        world["h5"],
        world["refs"],
        lang_dir=world["dir"],
        lm=world["dir"] / "arpa",
        options=SearchOptions(nbest=1),
        lm_weights=(1.0, 0.0, 0.5),
        word_scores=(2.0, -1.0, 0.0),
        max_seconds=1e9,
        nj=2,
    )
    assert (options.lm_weight, options.word_score) == best
    said = capfd.readouterr().out
    assert "tuning on 10 of 10" in said
    chosen = next(line for line in said.splitlines() if "*" in line[8:35])
    assert float(chosen[:8]) == best[0]
    edge = best[1] in (-1.0, 2.0)
    assert ("word_score (2) is at the edge" in said) == edge


def test_hlg_scale_is_tuned(world: dict[str, Any]) -> None:
    reason = unavailable("hlg", world["dir"])
    if reason:
        pytest.skip(reason)
    options = tune_hlg(
        world["h5"],
        world["refs"],
        lang_dir=world["dir"],
        options=SearchOptions(),
        hlg_scales=(0.5, 500.0),
        max_seconds=1e9,
        nj=1,
    )
    assert options.hlg_scale == 0.5  # 500: the LM alone decides


def test_ties_go_to_fewer_character_errors_then_to_the_first() -> None:
    def point(weight: float, words: int, characters: int) -> GridPoint:
        return GridPoint(
            SearchOptions(lm_weight=weight, hlg_scale=weight),
            ErrorRate(0, 0, words, 10),
            ErrorRate(0, 0, characters, 50),
        )

    points = [point(0.1, 3, 9), point(0.2, 2, 8), point(0.3, 2, 7), point(0.4, 2, 7)]
    assert best_point(points) is points[2]
    table = beam_lm_table(points, points[2]).splitlines()
    assert table[2:] == [
        "     0.1   30.00 ",
        "     0.2   20.00 ",
        "     0.3   20.00*",
        "     0.4   20.00 ",
    ]
    assert hlg_table(points, points[2]).splitlines()[1:] == table[2:]


def test_long_dev_sets_are_thinned_out(world: dict[str, Any]) -> None:
    everything = choose_ids(world["h5"], world["refs"], 1e9)
    assert everything == sorted(world["refs"], key=str.encode)
    seconds = sum(u.duration for u in read_log_probs(world["h5"]))
    half = choose_ids(world["h5"], world["refs"], seconds / 2)
    assert half == everything[::2]
    assert choose_ids(world["h5"], world["refs"], 1e-9) == everything[:1]
    some = dict(list(world["refs"].items())[:3])
    assert choose_ids(world["h5"], some, 1e9) == sorted(some, key=str.encode)
    with pytest.raises(RecipeError, match="no utterance with a dev transcript"):
        choose_ids(world["h5"], {"other": "A"}, 10.0)
