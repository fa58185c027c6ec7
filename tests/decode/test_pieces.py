"""Long recordings in pieces: the words are those of the whole."""

import itertools

import numpy as np
import pytest

from asr.decode.greedy import greedy_search
from asr.decode.hypothesis import Hypothesis, Word
from asr.decode.pieces import cut_at, cut_pieces, join_hypotheses
from asr.decode.vocabulary import Vocabulary

TOKENS = ["<blk>", "<unk>", "▁", "A", "B", "▁C"]
VOCABULARY = Vocabulary(TOKENS)


def peaked(best: list[int]) -> np.ndarray:  # type: ignore[type-arg]
    rows = np.full((len(best), len(TOKENS)), np.log(0.02), np.float32)
    rows[range(len(best)), best] = np.log(0.9)
    return rows


@pytest.mark.parametrize("seed", range(20))
def test_greedy_words_of_the_pieces_are_those_of_the_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    best: list[int] = []
    while len(best) < 400:  # words of spaces and letters, with pauses in and behind
        best += [int(rng.choice([2, 5]))]
        for letter in rng.choice([3, 4], size=rng.integers(1, 5)):
            best += [0] * int(rng.integers(0, 3)) + [int(letter)]
        best += [0] * int(rng.integers(1, 6))
    whole = peaked(best)
    parts = np.array_split(whole, rng.integers(1, 30))
    pieces = list(cut_pieces(parts, VOCABULARY, longest=50))
    assert [begin for begin, _ in pieces] == [
        0,
        *itertools.accumulate(len(piece) for _, piece in pieces[:-1]),
    ]
    assert (np.concatenate([piece for _, piece in pieces]) == whole).all()
    assert all(25 <= len(piece) <= 50 for _, piece in pieces[:-1])
    words = " ".join(greedy_search(piece, TOKENS).text for _, piece in pieces)
    assert words == greedy_search(whole, TOKENS).text


def test_what_is_short_enough_is_one_piece() -> None:
    rows = peaked([2, 3, 0, 4])
    assert [(b, len(p)) for b, p in cut_pieces([rows], VOCABULARY, 4)] == [(0, 4)]
    assert [(b, len(p)) for b, p in cut_pieces([], VOCABULARY, 4)] == [(0, 0)]


def test_a_cut_without_pauses_between_words() -> None:
    assert cut_at(peaked([3, 4, 3, 4, 3, 0, 0, 0, 4, 3]), VOCABULARY) == 7
    assert cut_at(peaked([3, 4] * 5), VOCABULARY) == 10


def hyp(text: str, score: float) -> Hypothesis:
    words = tuple(Word(w, float(i), i + 0.5, 0.9) for i, w in enumerate(text.split()))
    tokens = tuple(range(len(text)))
    return Hypothesis(text, tokens, score, 2 * score, 3 * score, words=words)


def test_nbest_of_the_whole_are_the_best_combinations() -> None:
    rng = np.random.default_rng(0)
    lists = [
        [
            hyp(f"{p}{k}", float(s))
            for k, s in enumerate(-np.sort(rng.exponential(size=4)))
        ]
        for p in "ABC"
    ]
    found = join_hypotheses([(10.0 * i, hyps) for i, hyps in enumerate(lists)], nbest=7)
    every = sorted(
        itertools.product(*lists), key=lambda chosen: -sum(h.score for h in chosen)
    )[:7]
    assert [h.text for h in found] == [" ".join(h.text for h in c) for c in every]
    assert [h.score for h in found] == pytest.approx(
        [sum(h.score for h in c) for c in every]
    )
    assert [(w.text, w.start, w.end) for w in found[0].words] == [
        ("A0", 0.0, 0.5),
        ("B0", 10.0, 10.5),
        ("C0", 20.0, 20.5),
    ]
    assert found[0].lm_score == pytest.approx(3 * found[0].score)


def test_pieces_without_words_and_failed_ones() -> None:
    nothing = Hypothesis("", (), 0.0, 0.0, 0.0, failed=True)
    (joined,) = join_hypotheses([(0.0, [nothing]), (4.0, [hyp("ONE TWO", -1.0)])], 5)
    assert (joined.text, joined.failed) == ("ONE TWO", False)
    assert [w.start for w in joined.words] == [4.0, 5.0]
    (joined,) = join_hypotheses([(0.0, [nothing]), (4.0, [nothing])], 5)
    assert (joined.text, joined.failed) == ("", True)
    single = [hyp("ONE", -1.0), hyp("WON", -2.0)]
    assert join_hypotheses([(0.0, single)], 1) == single
