"""Rescoring against scores worked out by hand, and scales found by a full search."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.decode.nbest_file import NBest, nbest_text, read_nbest
from asr.decode.rescore import RescoreScales, reorder, score_parts
from asr.decode.tune_rescore import tune_rescore
from asr.errors import RecipeError
from asr.score.error_rate import count_errors


def row(text: str, am: float | None, lm: float | None, extra: float = 0.0) -> Any:
    """A hypothesis of a search with lm_weight 0.5 and word_score 1."""
    words = len(text.split())
    known = am is not None and lm is not None
    score = am + 0.5 * lm + words + extra if known else None  # type: ignore[operator]
    return {"text": text, "score": score, "am_score": am, "lm_score": lm}


SEARCH = {"lm_weight": 0.5, "word_score": 1.0}
ROWS = (row("A B", -1.0, -4.0), row("A", -2.0, -3.0, extra=-4.0), row("", -3.0, -9.0))
NEURAL = (-8.0, -2.0, -1.0)


def test_scores_by_hand() -> None:
    parts = score_parts(ROWS, NEURAL, **SEARCH)
    scales = RescoreScales(lm_weight=2.0, neural_share=0.25, word_score=0.5)
    expected = [
        -1.0 + 2 * (0.75 * -4.0 + 0.25 * -8.0) + 2 * 0.5,
        -2.0 + 2 * (0.75 * -3.0 + 0.25 * -2.0) + 0.5 - 4.0,
        -3.0 + 2 * (0.75 * -9.0 + 0.25 * -1.0),
    ]
    np.testing.assert_allclose(parts.combined(scales), expected)


def test_the_searches_own_scales_give_its_own_scores() -> None:
    parts = score_parts(ROWS, NEURAL, **SEARCH)
    found = parts.combined(RescoreScales(0.5, 0.0, 1.0))
    np.testing.assert_allclose(found, [r["score"] for r in ROWS])


@pytest.mark.parametrize("seed", range(5))
def test_order_is_that_of_a_plain_sort(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = tuple(
        {**row("W " * n, -n * 1.0, float(rng.normal())), "words": [n]}
        for n in rng.integers(0, 4, size=8).tolist()
    )
    neural = rng.normal(size=8).tolist()
    scales = RescoreScales(*rng.uniform(0, 1, size=3).tolist())

    def total(i: int) -> float:
        a, r = scales.neural_share, rows[i]
        lm = (1 - a) * r["lm_score"] + a * neural[i]
        words = scales.word_score * len(r["text"].split())
        return float(r["am_score"] + scales.lm_weight * lm + words)

    parts = score_parts(rows, neural, **SEARCH)
    found = reorder(NBest("utt", rows), parts, scales)
    expected = sorted(range(8), key=lambda i: (-total(i), i))
    assert [r["words"] for r in found] == [rows[i]["words"] for i in expected]
    assert [r["score"] for r in found] == pytest.approx(
        [total(i) for i in expected], abs=1e-4
    )
    assert [r["neural_score"] for r in found] == pytest.approx(
        [neural[i] for i in expected], abs=1e-4
    )


def test_impossible_hypotheses_stay_behind() -> None:
    rows = (row("A", None, None), row("B", -50.0, -50.0))
    parts = score_parts(rows, [0.0, -math.inf], **SEARCH)
    assert parts.combined(RescoreScales(0.5, 0.0, 1.0)).tolist() == [-np.inf, -74.0]
    found = reorder(NBest("utt", rows), parts, RescoreScales(0.5, 0.0, 1.0))
    assert [r["text"] for r in found] == ["B", "A"]
    assert found[1]["score"] is None and found[0]["neural_score"] is None


def test_lists_are_read_and_written(tmp_path: Path) -> None:
    nbests = [NBest("a", ROWS), NBest("b", (row("", None, None),), failed=True)]
    (tmp_path / "nbest.jsonl").write_text(nbest_text(nbests))
    assert read_nbest(tmp_path / "nbest.jsonl", 10) == nbests
    assert read_nbest(tmp_path / "nbest.jsonl", 2)[0].rows == ROWS[:2]


def test_user_errors(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="stage 8"):
        read_nbest(tmp_path / "nbest.jsonl", 10)
    for line in ("{", "{}", '{"id": "a", "nbest": [{"text": "A"}]}', "[]"):
        (tmp_path / "nbest.jsonl").write_text(line + "\n")
        with pytest.raises(RecipeError, match="line 1 is damaged"):
            read_nbest(tmp_path / "nbest.jsonl", 10)
    with pytest.raises(RecipeError, match="no dev utterance"):
        tune_rescore([], [], {}, lm_weights=[1], neural_shares=[1], word_scores=[0])


def test_scales_of_a_constructed_case_are_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The n-gram is right about half of the utterances, the neural LM about the rest:
    only their sum, with weight enough to beat the acoustics, gets all of them."""
    refs, nbests, parts = {}, [], []
    for i in range(6):
        trusted, misled = (-1.0, -2.0) if i % 2 else (-2.0, -1.0)  # n-gram, neural
        rows = (row("WRONG", -1.0, -3.0), row("RIGHT", -1.8, trusted))
        refs[f"utt{i}"] = "RIGHT"
        nbests.append(NBest(f"utt{i}", rows))
        parts.append(score_parts(rows, [-3.0, misled], **SEARCH))
    refs["other"] = "NOT DECODED"
    found = tune_rescore(
        [*nbests, NBest("no-ref", (row("X", -1.0, -1.0),))],
        [*parts, parts[0]],
        refs,
        lm_weights=[0.3, 0.6],
        neural_shares=[0.0, 0.5, 1.0],
        word_scores=[0.0, 1.0],
    )
    # RIGHT gains 1 or 2 from one LM, 1.5 from half of both; it has to make up for 0.8:
    # only weight 0.6 and share 0.5 do in every utterance.
    assert found == RescoreScales(0.6, 0.5, 0.0)
    said = capsys.readouterr().out
    assert "0.00*" in said and "neural_share 0.5" in said


def test_the_best_point_is_that_of_a_full_search() -> None:
    rng = np.random.default_rng(3)
    words = ["A", "B", "C"]
    refs, nbests, parts = {}, [], []
    for i in range(12):
        texts = [" ".join(rng.choice(words, size=rng.integers(1, 4))) for _ in range(5)]
        rows = tuple(row(text, *rng.normal(-3, 2, size=2)) for text in texts)
        refs[f"utt{i}"] = texts[int(rng.integers(5))]
        nbests.append(NBest(f"utt{i}", rows))
        parts.append(score_parts(rows, rng.normal(-3, 2, size=5).tolist(), **SEARCH))
    grid = {
        "lm_weights": [0.1, 0.5, 1.0],
        "neural_shares": [0.0, 0.3, 1.0],
        "word_scores": [-1.0, 0.0, 2.0],
    }

    def errors(scales: RescoreScales) -> int:
        return sum(
            count_errors(
                refs[n.id].split(), str(reorder(n, p, scales)[0]["text"]).split()
            ).errors
            for n, p in zip(nbests, parts, strict=True)
        )

    found = tune_rescore(nbests, parts, refs, **grid)
    fewest = min(errors(RescoreScales(*c)) for c in itertools.product(*grid.values()))
    assert errors(found) == fewest
