"""Prefix beam search against exhaustive sums, torch's and k2's CTC losses."""

import itertools
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch

from asr.decode.beam import PrefixBeamSearch
from asr.decode.greedy import greedy_search
from asr.decode.prefix import log_add
from asr.errors import RecipeError
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import train_kneser_ney, write_arpa

INF = math.inf
TOKENS = ["<blk>", "<unk>", "▁", "▁A", "B"]
LETTERS = ["<blk>", "A", "B", "C", "D"]  # one way to write a text
UNLIMITED = {
    "beam_size": 10**9,
    "beam_threshold": INF,
    "token_threshold": INF,
    "nbest": 10**9,
    "histories": 10**9,
}


def random_log_probs(frames: int, tokens: int, seed: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(frames, tokens)) * 2
    log_probs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return log_probs.astype(np.float32)


def sum_over_paths(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """ln of the summed probability of every token sequence, by listing all paths."""
    frames, vocab = log_probs.shape
    totals: dict[tuple[int, ...], float] = defaultdict(float)
    for path in itertools.product(range(vocab), repeat=frames):
        tokens = tuple(k for k, _ in itertools.groupby(path) if k != 0)
        totals[tokens] += math.exp(sum(log_probs[t, k] for t, k in enumerate(path)))
    return {tokens: math.log(p) for tokens, p in totals.items()}


def text_of(tokens: tuple[int, ...]) -> str:
    return " ".join("".join(TOKENS[i] for i in tokens).replace("▁", " ").split())


def sum_over_spaces(
    sums: dict[tuple[int, ...], float],
) -> dict[tuple[int, ...], float]:
    """The same where several spaces in a row are one."""
    totals: dict[tuple[int, ...], float] = defaultdict(float)
    for tokens, ln_prob in sums.items():
        pairs = zip(tokens, (None, *tokens), strict=False)
        once = tuple(i for i, before in pairs if not i == before == TOKENS.index("▁"))
        totals[once] += math.exp(ln_prob)
    return {tokens: math.log(p) for tokens, p in totals.items()}


def sum_over_texts(sums: dict[tuple[int, ...], float]) -> dict[str, float]:
    """The same for every text, in whatever tokens."""
    totals: dict[str, float] = defaultdict(float)
    for tokens, ln_prob in sums.items():
        totals[text_of(tokens)] += math.exp(ln_prob)
    return {text: math.log(p) for text, p in totals.items()}


@pytest.fixture
def lm(tmp_path: Path) -> NgramLm:
    sentences = [["AB", "A"], ["A", "AB", "A"], ["ABB"], ["A", "A"]]
    write_arpa(train_kneser_ney(sentences, 3, [0, 0, 0]), tmp_path / "lm.arpa")
    return NgramLm(tmp_path / "lm.arpa")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("frames,vocab", [(1, 3), (4, 3), (6, 3), (5, 5)])
def test_exact_over_all_paths(frames: int, vocab: int, seed: int) -> None:
    log_probs = random_log_probs(frames, vocab, seed)
    sums = sum_over_paths(log_probs)
    expected, spaced = sum_over_texts(sums), sum_over_spaces(sums)
    found = PrefixBeamSearch(TOKENS[:vocab], **UNLIMITED)(log_probs)
    assert [hyp.text for hyp in found] == sorted(expected, key=lambda x: -expected[x])
    for hyp in found:
        assert hyp.am_score == pytest.approx(expected[hyp.text], abs=1e-5)
        assert hyp.score == hyp.am_score
        written = {t: p for t, p in spaced.items() if text_of(t) == hyp.text}
        assert hyp.tokens == max(written, key=lambda tokens: written[tokens])
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    assert sum(math.exp(hyp.score) for hyp in found) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_exact_with_lm(lm: NgramLm, seed: int) -> None:
    """Combined score = ln P(paths) + weight * ln P(sentence) + words + unknowns."""
    log_probs = random_log_probs(5, 5, seed)
    search = PrefixBeamSearch(
        TOKENS, lm, lm_weight=0.7, word_score=0.3, unk_score=-2.0, **UNLIMITED
    )
    found = search(log_probs)
    expected = {}
    for text, acoustic in sum_over_texts(sum_over_paths(log_probs)).items():
        words = text.split()
        unknown = sum(word not in lm for word in words)
        language = lm.sentence(words)
        score = acoustic + 0.7 * language + 0.3 * len(words) - 2.0 * unknown
        expected[text] = (score, acoustic, language)
    assert {hyp.text for hyp in found} == expected.keys()
    for hyp in found:
        score, acoustic, language = expected[hyp.text]
        assert hyp.score == pytest.approx(score, abs=1e-4)
        assert hyp.am_score == pytest.approx(acoustic, abs=1e-4)
        assert hyp.lm_score == pytest.approx(language, abs=1e-4)
    assert any("<unk>" in hyp.text for hyp in found)  # a word never seen
    assert found[0].text == max(expected, key=lambda text: expected[text][0])


def test_am_score_is_torch_ctc_loss() -> None:
    log_probs = random_log_probs(12, 5, 7)
    for hyp in PrefixBeamSearch(LETTERS, beam_size=2000, nbest=50)(log_probs)[:20]:
        if hyp.tokens:
            loss = torch.nn.functional.ctc_loss(
                torch.from_numpy(log_probs)[:, None],
                torch.tensor([hyp.tokens]),
                torch.tensor([12]),
                torch.tensor([len(hyp.tokens)]),
                reduction="none",
            )
            assert hyp.am_score == pytest.approx(-float(loss), abs=2e-3)


def test_am_score_is_k2_ctc_loss() -> None:
    k2 = pytest.importorskip("k2")
    log_probs = random_log_probs(12, 5, 8)
    dense = k2.DenseFsaVec(
        torch.from_numpy(log_probs)[None], torch.tensor([[0, 0, 12]], dtype=torch.int32)
    )
    search = PrefixBeamSearch(LETTERS, **{**UNLIMITED, "beam_size": 5000})
    for hyp in search(log_probs)[:20]:
        if hyp.tokens:
            graph = k2.ctc_graph([list(hyp.tokens)])
            loss = k2.ctc_loss(graph, dense, output_beam=100, reduction="none")
            assert hyp.am_score == pytest.approx(-float(loss), abs=1e-3)


def test_narrow_beams_find_the_same_best_where_it_is_clear() -> None:
    log_probs = random_log_probs(40, 5, 3) * 3
    log_probs -= np.logaddexp.reduce(log_probs, axis=1, keepdims=True)
    wide = PrefixBeamSearch(LETTERS, **{**UNLIMITED, "beam_size": 500})(log_probs)
    narrow = PrefixBeamSearch(LETTERS, beam_size=20)(log_probs)
    assert narrow[0].tokens == wide[0].tokens
    assert narrow[0].score <= wide[0].score + 1e-9


def test_lm_changes_the_choice(lm: NgramLm) -> None:
    """Acoustically A AB and A B-less are close; the LM knows which sentence is one."""
    probs = np.array([[0.01, 0.0, 0.0, 0.98, 0.01], [0.5, 0.0, 0.0, 0.0, 0.5]])
    with np.errstate(divide="ignore"):
        log_probs = np.log(probs).astype(np.float32)
    log_probs[1, 0] += 1e-3  # without the LM: no B
    assert PrefixBeamSearch(TOKENS)(log_probs)[0].text == "A"
    lm_scores = [lm.sentence(words) for words in (["A"], ["AB"])]
    weighted = PrefixBeamSearch(TOKENS, lm, lm_weight=2.0)(log_probs)[0]
    assert weighted.text == ("A" if lm_scores[0] > lm_scores[1] else "AB")
    unknown = PrefixBeamSearch(TOKENS, lm, lm_weight=0.0, unk_score=-9.0)
    assert unknown(log_probs)[0].text == "A"


@pytest.mark.parametrize("with_lm", [False, True])
def test_no_frames(lm: NgramLm, with_lm: bool) -> None:
    search = PrefixBeamSearch(TOKENS, lm if with_lm else None, lm_weight=1.0)
    (hyp,) = search(np.zeros((0, 5), dtype=np.float32))
    assert (hyp.text, hyp.tokens, hyp.am_score) == ("", (), 0.0)
    expected = lm.sentence([]) if with_lm else 0.0
    assert hyp.score == hyp.lm_score == pytest.approx(expected)


def test_vocabulary_of_one() -> None:
    (hyp,) = PrefixBeamSearch(["<blk>"], nbest=5)(np.zeros((3, 1), dtype=np.float32))
    assert (hyp.text, hyp.score) == ("", 0.0)


def test_all_blank_and_minus_infinity() -> None:
    log_probs = np.full((6, 5), -np.inf, dtype=np.float32)
    log_probs[:, 0] = 0.0
    assert [h.text for h in PrefixBeamSearch(TOKENS, **UNLIMITED)(log_probs)] == [""]
    log_probs[2] = [-np.inf, -np.inf, -np.inf, 0.0, -np.inf]
    (hyp,) = PrefixBeamSearch(TOKENS, **UNLIMITED)(log_probs)
    assert (hyp.text, hyp.score) == ("A", 0.0)
    log_probs[4] = -np.inf  # nothing is possible: still one answer, marked by its score
    found = PrefixBeamSearch(TOKENS)(log_probs)
    assert found[0].score == -INF


def test_repeat_needs_a_blank_between() -> None:
    log_probs = np.log(np.full((3, 5), 1e-6, dtype=np.float32))
    log_probs[[0, 2], 4] = 0.0
    log_probs[1, 0] = 0.0
    assert PrefixBeamSearch(TOKENS)(log_probs)[0].tokens == (4, 4)
    log_probs[1] = log_probs[0]
    assert PrefixBeamSearch(TOKENS)(log_probs)[0].tokens == (4,)


def test_ties_are_broken_the_same_way() -> None:
    log_probs = np.log(np.full((4, 5), 0.2, dtype=np.float32))
    search = PrefixBeamSearch(TOKENS, beam_size=7, nbest=7)
    assert search(log_probs) == search(log_probs)
    expected = sorted(search(log_probs), key=lambda h: (-h.score, h.tokens))
    assert search(log_probs) == expected


def test_a_dropped_prefix_that_comes_back_starts_afresh() -> None:
    """Scores of a narrow beam never exceed the exact sums."""
    for seed in range(20):
        log_probs = random_log_probs(6, 4, seed)
        exact = sum_over_texts(sum_over_paths(log_probs))
        for hyp in PrefixBeamSearch(TOKENS[:4], beam_size=3, nbest=3)(log_probs):
            assert hyp.score <= exact[hyp.text] + 1e-5


def test_greedy_is_the_best_single_path() -> None:
    for seed in range(5):
        log_probs = random_log_probs(5, 4, seed)
        paths = itertools.product(range(4), repeat=5)
        best = max(paths, key=lambda p: sum(log_probs[t, k] for t, k in enumerate(p)))
        hyp = greedy_search(log_probs, TOKENS[:4])
        assert hyp.tokens == tuple(k for k, _ in itertools.groupby(best) if k)
        assert hyp.score == pytest.approx(
            sum(log_probs[t, k] for t, k in enumerate(best)), abs=1e-5
        )
    empty = greedy_search(np.zeros((0, 4), dtype=np.float32), TOKENS[:4])
    assert (empty.text, empty.score) == ("", 0.0)


def test_wrong_input_is_named() -> None:
    for decode in (PrefixBeamSearch(TOKENS), lambda x: greedy_search(x, TOKENS)):
        with pytest.raises(RecipeError, match=r"shape \(3, 4\), need \(frames, 5\)"):
            decode(random_log_probs(3, 4, 0))
        with pytest.raises(RecipeError, match="NaN"):
            decode(np.full((3, 5), np.nan, dtype=np.float32))


def test_log_add() -> None:
    assert log_add(-INF, -INF) == -INF
    assert log_add(-INF, -3.0) == log_add(-3.0, -INF) == -3.0
    assert log_add(-1.0, -700.0) == pytest.approx(-1.0)
    assert log_add(math.log(0.2), math.log(0.3)) == pytest.approx(math.log(0.5))
