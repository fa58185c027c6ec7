"""All decoders on the same log-probs: files, order, processes, user errors."""

import importlib.util
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.decode.child import call_in_child, peak_rss_mb
from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import read_ids, read_log_probs, write_log_probs
from asr.decode.matrix import Decoded, nbest_line, run_method, write_decoded
from asr.decode.methods import METHODS, SearchOptions, unavailable
from asr.decode.prefix_beam import PrefixBeamSearch
from asr.decode.tune import (
    GridPoint,
    beam_lm_table,
    best_point,
    choose_ids,
    hlg_table,
    tune_beam_lm,
    tune_hlg,
)
from asr.errors import RecipeError
from asr.fsa.lexicon import spell_words, write_lexicon
from asr.lm.kneser_ney import train_kneser_ney, write_arpa
from asr.lm.ngram import NgramLm
from asr.score.error_rate import ErrorRate, count_errors
from asr.text.tokenizer import Tokenizer

WORDS = ["NEON", "NO", "ON", "ONE"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A lang folder, an n-gram, and noisy log-probs of ten spoken sentences."""
    folder = tmp_path_factory.mktemp("world")
    rng = random.Random(0)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(1, 4))) for _ in range(40)]
    tokenizer = Tokenizer.train(texts, folder, "char", 0)
    write_arpa(train_kneser_ney([t.split() for t in texts], 2, [0, 0]), folder / "arpa")
    lexicon = spell_words(WORDS, tokenizer)
    write_lexicon(lexicon, tokenizer.tokens, folder)
    if importlib.util.find_spec("k2"):
        from asr.fsa.graph import build_graphs

        build_graphs(lexicon, tokenizer.vocab_size, folder / "arpa", 2, folder)
    refs = {f"utt-{i}": texts[i] for i in (3, 1, 2, 10, 5, 4, 6, 7, 8, 9)}
    noise = np.random.default_rng(0)
    with write_log_probs(folder / "log_probs.h5", {"model": "toy"}) as writer:
        for id_, text in refs.items():
            frames = [k for i in tokenizer.encode(text) for k in (i, i, 0)]
            logits = noise.normal(size=(len(frames), tokenizer.vocab_size)) * 1.6
            logits[range(len(frames)), frames] += 3.5
            norm = np.logaddexp.reduce(logits, axis=1, keepdims=True)
            writer.add(id_, logits - norm, 4 * len(frames), 0.04 * len(frames))
    return {"dir": folder, "h5": folder / "log_probs.h5", "refs": refs, "t": tokenizer}


def test_log_probs_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "log_probs.h5"
    values = np.random.default_rng(0).normal(size=(3, 4))
    for _ in range(2):
        with write_log_probs(path, {"model": "toy"}) as writer:
            writer.add("b/1", values, 12, 0.125)
            writer.add("a", values[:0], 0, 0.0)
            writer.add("B", values[:2], 8, 0.08)
    assert read_ids(path) == ["B", "a", "b/1"]
    found = {u.id: u for u in read_log_probs(path)}
    assert list(found) == ["B", "a", "b/1"]
    assert found["b/1"].log_probs.dtype == np.float32
    np.testing.assert_array_equal(found["b/1"].log_probs, values.astype(np.float32))
    assert found["a"].log_probs.shape == (0, 4)
    assert found["b/1"].duration == 0.125
    with pytest.raises(RecipeError, match="no log-probs of utterance c"):
        list(read_log_probs(path, ["a", "c"]))


def test_log_probs_are_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "log_probs.h5"
    with pytest.raises(KeyError), write_log_probs(path, {}) as writer:
        writer.add("a", np.zeros((2, 2)), 8, 0.08)
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RecipeError, match="is missing"):
        read_ids(path)
    path.write_bytes(b"no HDF5")
    with pytest.raises(RecipeError, match="is damaged"):
        read_ids(path)


@pytest.mark.parametrize("method", METHODS)
def test_each_method_writes_its_folder(
    world: dict[str, Any], tmp_path: Path, method: str
) -> None:
    reason = unavailable(method, world["dir"])
    if reason:
        pytest.skip(reason)
    options = SearchOptions(nbest=3, word_score=1.0)
    arguments = {"lang_dir": world["dir"], "lm": world["dir"] / "arpa"}
    out = tmp_path / method
    (out / "old").mkdir(parents=True)  # what an earlier run left is replaced
    run_method(method, world["h5"], out, options=options, **arguments)
    assert sorted(p.name for p in out.iterdir()) == [
        "nbest.jsonl",
        "text",
        "timing.json",
    ]
    hyps = dict(
        (line.split(maxsplit=1) + [""])[:2]
        for line in (out / "text").read_text().splitlines()
    )
    assert list(hyps) == sorted(world["refs"], key=str.encode)
    rows = [json.loads(line) for line in (out / "nbest.jsonl").open()]
    assert [row["id"] for row in rows] == list(hyps)
    for row in rows:
        assert row["nbest"][0]["text"] == hyps[row["id"]].strip()
        scores = [hyp["score"] for hyp in row["nbest"]]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) == (3 if method.startswith("beam") else 1)
    timing = json.loads((out / "timing.json").read_text())
    assert timing["rtf"] > 0
    assert timing["peak_rss_mb"] > 10
    assert timing["audio_seconds"] == pytest.approx(
        sum(u.duration for u in read_log_probs(world["h5"])), abs=1e-3
    )
    run_method(method, world["h5"], tmp_path / "again", options=options, **arguments)
    for name in ("text", "nbest.jsonl"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes()


def test_files_of_failed_and_impossible_hypotheses(tmp_path: Path) -> None:
    failed = Hypothesis("", (), 0.0, 0.0, 0.0, failed=True)
    impossible = Hypothesis("A", (3,), -np.inf, -np.inf, 0.0)
    decoded = Decoded({"u1": [failed], "u2": [impossible]}, 0.0, 0.0, 0.0, 1.0)
    write_decoded("hlg", decoded, SearchOptions(), tmp_path / "hlg")
    assert (tmp_path / "hlg" / "text").read_text() == "u1\nu2 A\n"
    assert json.loads((tmp_path / "hlg" / "timing.json").read_text())["failed"] == 1
    assert json.loads(nbest_line("u1", [failed]))["failed"] is True
    assert json.loads(nbest_line("u2", [impossible]))["nbest"][0]["score"] is None


def test_user_errors(world: dict[str, Any], tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"lang_dir": world["dir"], "options": SearchOptions()}
    for method, lm, words in (
        ("viterbi", None, "the decoders are greedy, beam, beam-lm, hlg"),
        ("beam-lm", None, "needs an n-gram"),
        ("beam-lm", tmp_path / "none.arpa", "none.arpa is missing"),
    ):
        with pytest.raises(RecipeError, match=words):
            run_method(method, world["h5"], tmp_path / "out", lm=lm, **arguments)
    other = tmp_path / "lang"
    Tokenizer.train(["ABC DEF GHI JKL"], other, "char", 0)
    arguments["lang_dir"] = other
    with pytest.raises(RecipeError, match=r"tokens\.txt that of the model"):
        run_method("beam", world["h5"], tmp_path / "out", lm=None, **arguments)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lang"]
    assert "HLG.pt" in (unavailable("hlg", other) or "") or "k2" in str(
        unavailable("hlg", other)
    )


def _allocate(megabytes: int) -> tuple[float, int]:
    block = np.ones(megabytes << 17)  # float64
    return peak_rss_mb(), len(block)


def _kill_itself() -> None:
    os.kill(os.getpid(), 9)


def test_child_memory_is_its_own() -> None:
    """A large child before, or a large parent, does not count for the next child."""
    here = np.ones(300 << 17)
    large, _ = call_in_child("large", _allocate, 300)
    small, _ = call_in_child("small", _allocate, 1)
    assert large - small > 250
    assert small < 250
    assert len(here) == 300 << 17


def test_killed_child_is_one_line() -> None:
    began = time.monotonic()
    with pytest.raises(RecipeError, match="victim: its process ended with code -9"):
        call_in_child("victim", _kill_itself)
    assert time.monotonic() - began < 30


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
