"""All decoders on the same log-probs: files, order, processes, user errors."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.decode.decoded import Decoded, nbest_line
from asr.decode.graph_methods import _no_k2
from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import read_log_probs
from asr.decode.matrix import decode_set, run_method, write_decoded
from asr.decode.methods import METHODS, SearchOptions, unavailable
from asr.errors import RecipeError
from asr.job import DECODERS
from asr.progress import LineTimer
from asr.text.tokenizer import Tokenizer, join_pieces


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
        "ctm",
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
    check_words(rows, out / "ctm", world)
    timing = json.loads((out / "timing.json").read_text())
    assert timing["rtf"] > 0
    assert timing["peak_rss_mb"] > 10
    assert timing["audio_seconds"] == pytest.approx(
        sum(u.duration for u in read_log_probs(world["h5"])), abs=1e-3
    )
    run_method(method, world["h5"], tmp_path / "again", options=options, **arguments)
    for name in ("text", "ctm", "nbest.jsonl"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes()


def check_words(rows: list[dict[str, Any]], ctm: Path, world: dict[str, Any]) -> None:
    """Every word has a time within the audio, in order; CTM has the best ones."""
    seconds = {u.id: u.duration for u in read_log_probs(world["h5"])}
    lines = [line.split() for line in ctm.read_text().splitlines()]
    for row in rows:
        for hyp in row["nbest"]:
            assert " ".join(w["word"] for w in hyp["words"]) == hyp["text"]
            times = [t for w in hyp["words"] for t in (w["start"], w["end"])]
            assert times == sorted(times)
            assert all(0 <= t <= seconds[row["id"]] + 1e-6 for t in times)
            assert all(0 <= w["confidence"] <= 1 for w in hyp["words"])
            assert join_pieces(hyp["tokens"]) in (hyp["text"], "")
        best = row["nbest"][0]["words"]
        of_row = [line for line in lines if line[0] == row["id"]]
        assert [(c, w) for _, c, _, _, w, _ in of_row] == [
            ("1", word["word"]) for word in best
        ]
        for (_, _, start, length, _, confidence), word in zip(
            of_row, best, strict=True
        ):
            assert float(start) == word["start"]
            assert float(start) + float(length) == pytest.approx(word["end"], abs=2e-3)
            assert float(confidence) == pytest.approx(word["confidence"], abs=1e-3)


def test_progress_says_that_seconds_are_of_audio(
    world: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(LineTimer, "due", lambda self: True)
    decode_set("greedy", world["h5"], world["dir"], None, SearchOptions())
    seconds = sum(u.duration for u in read_log_probs(world["h5"]))
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == f"greedy: 10 utterances, {seconds:.0f} s of audio"


def test_the_command_line_knows_the_registry() -> None:
    assert METHODS == DECODERS


def test_files_of_failed_and_impossible_hypotheses(tmp_path: Path) -> None:
    failed = Hypothesis("", (), 0.0, 0.0, 0.0, failed=True)
    impossible = Hypothesis("A", (3,), -np.inf, -np.inf, 0.0)
    decoded = Decoded({"u1": [failed], "u2": [impossible]}, 0.0, 0.0, 0.0, 1.0)
    tokens = ["<blk>", "▁", "B", "A"]
    write_decoded("hlg", decoded, SearchOptions(), tmp_path / "hlg", tokens)
    assert (tmp_path / "hlg" / "text").read_text() == "u1\nu2 A\n"
    assert json.loads((tmp_path / "hlg" / "timing.json").read_text())["failed"] == 1
    assert json.loads(nbest_line("u1", [failed], tokens))["failed"] is True
    assert json.loads(nbest_line("u2", [impossible], tokens))["nbest"] == [
        {
            "text": "A",
            "score": None,
            "am_score": None,
            "lm_score": 0.0,
            "tokens": ["A"],
            "words": [],
        }
    ]


def test_user_errors(world: dict[str, Any], tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"lang_dir": world["dir"], "options": SearchOptions()}
    for method, lm, words in (
        ("viterbi", None, "the decoders are greedy, beam, beam-lm, ctc, hlg"),
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


def test_a_k2_that_cannot_be_imported_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "k2.py").write_text("raise ImportError('built for torch 1.0\\nnot 2')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "k2", raising=False)
    _no_k2.cache_clear()
    request.addfinalizer(_no_k2.cache_clear)
    why = unavailable("ctc", tmp_path) or ""
    assert why.startswith("k2 cannot be imported (built for torch 1.0); see ")
