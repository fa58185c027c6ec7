"""Tuning on dev: as good as decoding everywhere, and what decides between equals."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.decode.beam import PrefixBeamSearch
from asr.decode.candidates import Candidates
from asr.decode.grid import DevSearch
from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import read_log_probs
from asr.decode.methods import REGISTRY, SearchOptions, load_method, unavailable
from asr.decode.scale_search import PARTS, Surface, search_scales, widened
from asr.decode.surface_table import surface_table
from asr.decode.tune import DevSet, refined, tune_method
from asr.errors import RecipeError
from asr.lm.ngram import NgramLm
from asr.progress import LineTimer
from asr.score.error_rate import ErrorRate, count_errors

AXES = {"lm_weight": (0.0, 0.5, 1.0, 1.5), "word_score": (-1.0, 0.0, 1.0, 2.0)}


def errors(refs: dict[str, str], texts: dict[str, str]) -> tuple[int, int]:
    wer, cer = ErrorRate.zero(), ErrorRate.zero()
    for id_, text in texts.items():
        wer += count_errors(refs[id_].split(), text.split())
        cer += count_errors(list(refs[id_]), list(text))
    return wer.errors, cer.errors


def test_tuning_is_as_good_as_decoding_the_whole_grid(
    world: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Against every point of the grid, decoded one by one here."""
    lm = NgramLm(world["dir"] / "arpa")
    real = {}
    for weight, score in itertools.product(*AXES.values()):
        scales = {"lm_weight": weight, "word_score": score}
        search = PrefixBeamSearch(world["t"].tokens, lm, beam_size=60, **scales)
        texts = {u.id: search(u.log_probs)[0].text for u in read_log_probs(world["h5"])}
        real[weight, score] = errors(world["refs"], texts)
    assert len(set(real.values())) > 4  # the scales matter
    options = tune_method(
        "beam-lm",
        DevSet(world["h5"], world["refs"], 1e9),
        AXES,
        lang_dir=world["dir"],
        lm=world["dir"] / "arpa",
        options=SearchOptions(nbest=1, beam_size=60),
        nj=2,
        plot=tmp_path / "scales.png",
    )
    assert real[options.lm_weight, options.word_score] == min(real.values())
    assert options.nbest == 1 and options.beam_size == 60
    assert (tmp_path / "scales.png").read_bytes().startswith(b"\x89PNG")
    said = capfd.readouterr().out
    assert "tuning on 10 of 10" in said
    (chosen,) = (line for line in said.splitlines() if re.search(r"\d\*", line))
    assert float(chosen[:8]) == options.lm_weight
    edge = options.word_score in (-1.0, 2.0)
    assert (f"best word_score ({options.word_score:g}) is at the edge" in said) == edge
    assert "28 points tried" in said  # lm_weight's edge was the best of the first 16


def test_hlg_scale_is_tuned_and_reranking_tells_what_decoding_would(
    world: dict[str, Any],
) -> None:
    if reason := unavailable("ctc", world["dir"]):  # without k2 there is one path
        pytest.skip(reason)
    scales = [(0.1,), (0.3,), (0.5,), (1.0,), (2.0,), (4.0,)]
    ids = sorted(world["refs"])
    search = DevSearch(
        "hlg", world["h5"], ids, world["dir"], None, SearchOptions(), nj=1
    )
    found = Candidates(world["refs"], list(REGISTRY["hlg"].scales.values()))
    (nbest,) = search([(1.0,)], explore=True)
    found.add((1.0,), nbest)
    reranked = found.errors(scales)
    make = load_method("hlg", world["dir"], None)
    for scale, (words, characters) in zip(scales, reranked, strict=True):
        decode = make(search.with_scales(scale))
        texts = {u.id: decode(u.log_probs)[0].text for u in read_log_probs(world["h5"])}
        assert (words.errors, characters.errors) == errors(world["refs"], texts)
    for id_, hyps in nbest.items():  # one search, many word sequences
        assert hyps[0].score == max(hyp.score for hyp in hyps), id_
    assert max(len({hyp.text for hyp in hyps}) for hyps in nbest.values()) > 1
    options = tune_method(
        "hlg",
        DevSet(world["h5"], world["refs"], 1e9),
        {"hlg_scale": (0.5, 500.0)},
        lang_dir=world["dir"],
        lm=None,
        options=SearchOptions(),
        nj=1,
    )
    assert options.hlg_scale == 0.5  # 500: the LM alone decides


def toy(seed: int) -> tuple[dict[str, str], dict[str, list[Hypothesis]]]:
    """Utterances with random hypotheses of one word; W is right."""
    rng = np.random.default_rng(seed)
    refs, lists = {}, {}
    for n in range(30):
        refs[f"u{n}"] = "W"
        lists[f"u{n}"] = [
            Hypothesis(text, (), 0.0, float(am), float(lm))
            for text in ("W", "X", "Y W", "X Y", "Z")
            for am, lm in [rng.normal(size=2) * 4 + (1.0 if text == "W" else 0.0)]
        ]
    return refs, lists


@pytest.mark.parametrize("parts,most", [((), 18), (PARTS, 26)])
@pytest.mark.parametrize("seed", range(5))
def test_few_decodes_find_the_best_of_a_fine_grid(
    seed: int, parts: Sequence[int], most: int
) -> None:
    """Searches that return two hypotheses, as if all others had been pruned."""
    refs, lists = toy(seed)
    features = list(REGISTRY["beam-lm"].scales.values())[:2]
    axes = [[round(0.1 * i, 1) for i in range(21)], [0.5 * i for i in range(-4, 9)]]
    decoded: list[tuple[float, ...]] = []

    def score(hyp: Hypothesis, point: tuple[float, ...]) -> float:
        scaled = (s * f(hyp) for s, f in zip(point, features, strict=True))
        return hyp.am_score + sum(scaled) + 0.25  # whatever else is in the score

    def decode(points: Any) -> list[dict[str, list[Hypothesis]]]:
        decoded.extend(points)
        return [
            {
                id_: sorted(
                    (
                        Hypothesis(h.text, (), score(h, p), h.am_score, h.lm_score)
                        for h in hyps
                    ),
                    key=lambda h: -h.score,
                )[:2]
                for id_, hyps in lists.items()
            }
            for p in points
        ]

    candidates, first = Candidates(refs, features), [(1.0, 0.0)]
    surface = search_scales(
        decode,
        candidates,
        axes,
        first,
        explore=decode if seed > 2 else None,
        parts=parts,
    )
    exact = {
        p: errors(
            refs,
            {i: max(h, key=lambda x: score(x, p)).text for i, h in lists.items()},
        )
        for p in itertools.product(*axes)
    }
    searched = decoded[1:] if seed > 2 else decoded  # explored: not for real
    assert len(searched) == len(set(searched)) <= most and len(exact) == 273
    assert set(searched) == set(surface.decoded)
    for point, (words, characters) in surface.decoded.items():
        assert (words.errors, characters.errors) == exact[point]
    words, characters = surface.decoded[surface.best]
    assert words.errors == min(w for w, _ in exact.values())


def test_failed_and_impossible_hypotheses_do_not_win() -> None:
    refs = {"a": "W", "b": "W"}
    candidates = Candidates(refs, list(REGISTRY["hlg"].scales.values()))
    failed = Hypothesis("", (), 0.0, 0.0, 0.0, failed=True)
    impossible = Hypothesis("", (), -np.inf, -np.inf, 0.0)
    words, _ = candidates.add((1.0,), {"a": [failed], "b": [impossible]})
    assert (words.errors, words.length) == (2, 2)
    found = Hypothesis("W", (), -1003.0, -1000.0, -3.0)
    candidates.add((1.0,), {"a": [found], "b": [found]})
    assert [w.errors for w, _ in candidates.errors([(0.0,), (9.0,)])] == [0, 0]


def rate(words: int, characters: int = 0) -> tuple[ErrorRate, ErrorRate]:
    return ErrorRate(0, 0, words, 10), ErrorRate(0, 0, characters, 50)


def test_tables_mark_what_was_decoded_and_taken() -> None:
    axes = ((0.0, 1.0), (2.0, 3.0, 4.0))
    reranked = {p: rate(int(p[0] + p[1])) for p in itertools.product(*axes)}
    decoded = {(0.0, 3.0): rate(3), (1.0, 4.0): rate(9)}
    surface = Surface(axes, reranked, decoded, (0.0, 3.0))
    assert surface_table("beam-lm", ["a", "b"], surface).splitlines()[1:] == [
        "             2      3      4 ",
        "       0 20.00  30.00* 40.00 ",
        "       1 30.00  40.00  90.00+",
    ]
    values = tuple(round(0.1 * i, 1) for i in range(100))
    line = Surface(
        (values,), {(x,): rate(1) for x in values}, {(0.1,): rate(2)}, (0.1,)
    )
    rows = surface_table("hlg", ["scale"], line).splitlines()[1:]
    assert rows[:3] == ["       0 10.00 ", "     0.1 20.00*", "     0.4 10.00 "]
    assert len(rows) == 26
    both = itertools.product(values, values)
    plane = Surface((values, values), {p: rate(1) for p in both}, {}, (0.1, 0.1))
    rows = surface_table("x", ["a", "b"], plane).splitlines()[1:]
    assert (len(rows), len(rows[0].split())) == (1 + 25, 13)


def test_between_equals_the_better_neighbourhood_is_taken() -> None:
    """At 1 and at 5 one error; around 5 there are few, around 1 many."""
    by_scale = dict(enumerate([9, 1, 9, 9, 2, 1, 2, 9]))

    class Known(Candidates):
        def errors(self, points: Any) -> list[tuple[ErrorRate, ErrorRate]]:
            return [rate(by_scale[int(p[0])]) for p in points]

        def add(self, point: Any, nbest: Any) -> tuple[ErrorRate, ErrorRate]:
            return rate(by_scale[int(point[0])])

    def decode(points: Any) -> list[dict[str, list[Hypothesis]]]:
        return [{} for _ in points]

    surface = search_scales(decode, Known({}, []), [range(8)], [(1,), (3,)])
    assert surface.best == (5,)


def test_values_between_are_tried_too() -> None:
    assert refined([1.0, 0.0], 4) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert refined([0.5], 4) == (0.5,)
    assert refined([0.1, 0.3, 0.3, 0.4], 2) == (0.1, 0.2, 0.3, 0.35, 0.4)


def test_an_axis_grows_where_the_best_is_its_edge() -> None:
    """By its own steps; 0 is the least weight that there is."""
    assert widened((0.0, 0.5, 1.0), 1.0) == (0.0, 0.5, 1.0, 1.5, 2.0)
    assert widened((0.0, 0.5, 1.0), 0.0) == widened((0.0, 0.5, 1.0), 0.5)
    assert widened((-9.0, -6.0, 0.0), -9.0) == (-15.0, -12.0, -9.0, -6.0, 0.0)
    assert widened((-4.0,), -4.0) == (-4.0,)  # given, not to be chosen


def test_progress_never_says_the_same_twice(
    world: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(LineTimer, "due", lambda self: True)
    ids = list(world["refs"])
    options = SearchOptions(beam_size=2)
    lm = world["dir"] / "arpa"
    search = DevSearch("beam-lm", world["h5"], ids, world["dir"], lm, options, 1)
    grid = [search.with_scales((0.1, x, -4.0)) for x in (0.0, 1.0)]
    search.search_chunk(ids, grid, explore=False, loud=True)
    said = capsys.readouterr().out.splitlines()
    assert said == [f"tuning beam-lm: {n} of 20 searches" for n in range(1, 21)]


def test_long_dev_sets_are_thinned_out(world: dict[str, Any]) -> None:
    def choose(refs: dict[str, str], seconds: float) -> list[str]:
        return DevSet(world["h5"], refs, seconds).choose_ids()

    everything = choose(world["refs"], 1e9)
    assert everything == sorted(world["refs"], key=str.encode)
    seconds = sum(u.duration for u in read_log_probs(world["h5"]))
    half = choose(world["refs"], seconds / 2)
    assert half == everything[::2]
    assert choose(world["refs"], 1e-9) == everything[:1]
    some = dict(list(world["refs"].items())[:3])
    assert choose(some, 1e9) == sorted(some, key=str.encode)
    with pytest.raises(RecipeError, match="no utterance with a dev transcript"):
        choose({"other": "A"}, 10.0)


def test_of_a_graph_every_path_of_the_same_words_counts() -> None:
    """The one with the best acoustics is not the best one at every scale."""
    found = Candidates({"u": "NO"}, [REGISTRY["hlg"].scales["hlg_scale"]])
    for scale, text, am, lm in (
        (0.0, "NO", -1.0, -10.0),
        (1.0, "NO", -2.0, -2.0),
        (0.5, "ON", -3.0, -3.0),
    ):
        hyp = Hypothesis(text, (), am + scale * lm, am, lm)
        found.add((scale,), {"u": [hyp]})
    assert [words.errors for words, _ in found.errors([(0.0,), (1.0,)])] == [0, 0]
