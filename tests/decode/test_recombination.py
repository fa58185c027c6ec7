"""Pruning of the search of spelled words: what it may change, and what not."""

from typing import Any

import numpy as np
import pytest

from asr.decode.beam import PrefixBeamSearch
from asr.decode.hypothesis import Hypothesis
from asr.decode.spelled_words import Floats, SpelledWords
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import train_kneser_ney, write_arpa
from tests.decode.test_prefix_beam import UNLIMITED
from tests.decode.test_spelled_beam import (
    LEXICON,
    TOKENS,
    all_scores,
    random_log_probs,
)

pytest.importorskip("numba")
SCALES = (0.7, 0.4, -2.0)  # lm_weight, word_score, unk_score


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> NgramLm:
    path = tmp_path_factory.mktemp("lm") / "lm.arpa"
    texts = ["A TO", "AT A TOO", "TOO UH TO", "ATTO A", "AT AT TO UH", "TO A TOO"]
    write_arpa(train_kneser_ney([t.split() for t in texts], 2, [0, 0]), path)
    return NgramLm(path)


def search(lm: NgramLm, log_probs: np.ndarray, **options: Any) -> list[Hypothesis]:
    scales = dict(zip(("lm_weight", "word_score", "unk_score"), SCALES, strict=True))
    wide = {**UNLIMITED, "histories": 1}
    made = PrefixBeamSearch(
        TOKENS, lm, spellings=LEXICON, **scales, **{**wide, **options}
    )
    found: list[Hypothesis] = made(log_probs)
    return found


@pytest.fixture(scope="module")
def listed(lm: NgramLm) -> list[tuple[np.ndarray, dict[str, float]]]:
    """Utterances, and the scores of all word sequences."""
    utterances = [random_log_probs(5, seed) for seed in range(4)]
    return [(rows, all_scores(rows, lm, *SCALES)) for rows in utterances]


Listed = list[tuple[np.ndarray, dict[str, float]]]


def test_a_wide_beam_finds_the_best_whatever_shares_a_future(
    lm: NgramLm, listed: Listed
) -> None:
    for log_probs, expected in listed:
        best = search(lm, log_probs)[0]
        assert best.text == max(expected, key=lambda text: expected[text])
        assert best.score == pytest.approx(expected[best.text], abs=1e-4)


@pytest.mark.parametrize("beam_size", [5, 10])
@pytest.mark.parametrize("histories", [1, 2])
def test_scores_are_whole_in_a_narrow_beam(
    lm: NgramLm, listed: Listed, beam_size: int, histories: int
) -> None:
    """All alignments and pronunciations count, those too that the beam has lost."""
    for log_probs, expected in listed:
        hyps = search(lm, log_probs, beam_size=beam_size, histories=histories)
        assert hyps
        for hyp in hyps:
            assert hyp.score == pytest.approx(expected[hyp.text], abs=1e-4)


def mean_score(lm: NgramLm, **options: Any) -> float:
    """Of the best hypotheses of longer utterances; all found something."""
    found = [search(lm, random_log_probs(40, seed), **options)[0] for seed in range(20)]
    assert not any(hyp.failed for hyp in found)
    return float(np.mean([hyp.score for hyp in found]))


def test_prefixes_that_share_a_future_leave_room(lm: NgramLm) -> None:
    together = mean_score(lm, beam_size=6)
    assert together > mean_score(lm, beam_size=6, histories=10**9) + 0.5
    widest = mean_score(lm, beam_size=500, beam_threshold=30.0)
    assert together <= widest + 1e-6


def test_look_ahead_changes_the_pruning_only(
    lm: NgramLm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(self: SpelledWords, value: Floats) -> Floats:
        return np.zeros(len(self.parents))

    log_probs = random_log_probs(5, 0)
    wide, narrow = search(lm, log_probs), mean_score(lm, beam_size=4)
    monkeypatch.setattr(SpelledWords, "look_ahead", blind)
    without = search(lm, log_probs)
    assert without[0].text == wide[0].text
    assert without[0].score == pytest.approx(wide[0].score, abs=1e-9)
    assert narrow > mean_score(lm, beam_size=4)
