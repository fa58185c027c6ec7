"""Best alignments against a listing of all paths."""

import itertools
import math

import numpy as np
import pytest

from asr.decode.greedy import greedy_search
from asr.decode.hypothesis import Hypothesis, Word
from asr.decode.viterbi import best_path
from asr.decode.vocabulary import Vocabulary
from asr.decode.word_times import add_words, time_words
from asr.text.tokenizer import join_pieces


@pytest.mark.parametrize("seed", range(20))
def test_best_path_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames, blank = int(rng.integers(1, 7)), int(rng.integers(0, 3))
    ids = rng.choice([k for k in range(3) if k != blank], size=rng.integers(0, 4))
    log_probs = np.log(rng.dirichlet(np.ones(3), frames)).astype(np.float32)
    paths = {
        path: sum(float(log_probs[t, k]) for t, k in enumerate(path))
        for path in itertools.product(range(3), repeat=frames)
        if [k for k, _ in itertools.groupby(path) if k != blank] == ids.tolist()
    }
    found, total = best_path(log_probs, ids.astype(np.int64), blank)
    if not paths:
        assert total == -math.inf
        return
    best = max(paths, key=lambda path: paths[path])
    assert total == pytest.approx(paths[best], abs=1e-4)
    runs, t = [], 0
    for token, run in itertools.groupby(best):
        length = len(list(run))
        if token != blank:
            runs.append([t, t + length - 1])
        t += length
    assert found.tolist() == runs


def test_greedy_words_lie_where_its_path_does() -> None:
    probs = np.full((5, 3), 0.1)
    probs[range(5), [1, 1, 0, 2, 2]] = 0.8
    log_probs, tokens = np.log(probs).astype(np.float32), ["<blk>", "▁A", "▁B"]
    hyp = greedy_search(log_probs, tokens)
    (timed,) = add_words([hyp], log_probs, Vocabulary(tokens), 0.1)
    assert [(w.text, w.start, w.end) for w in timed.words] == [
        ("A", 0.0, 0.2),
        ("B", 0.3, 0.5),
    ]


@pytest.mark.parametrize(
    "pieces", [["▁A", "B", "▁C"], ["A", "▁", "▁", "B", "▁"], ["▁"], [], ["é"]]
)
def test_words_are_those_of_the_text(pieces: list[str]) -> None:
    tokens = ["<blk>", *dict.fromkeys(pieces)]
    ids = tuple(tokens.index(piece) for piece in pieces)
    log_probs = np.full((3 * len(ids), len(tokens)), -math.log(len(tokens)))
    words = time_words(log_probs.astype(np.float32), ids, Vocabulary(tokens), 1.0)
    assert " ".join(word.text for word in words) == join_pieces(pieces)
    assert all(0 <= word.start < word.end <= len(log_probs) for word in words)


def test_words_are_added_where_there_are_none() -> None:
    """From tokens, or from a text and its spellings; else the hypothesis stays."""
    vocabulary = Vocabulary(["<blk>", "▁", "A", "B", "C"])
    probs = np.full((7, 5), 1e-9)
    probs[range(7), [2, 2, 0, 3, 1, 0, 4]] = 1.0
    log_probs = np.log(probs).astype(np.float32)
    beam = Hypothesis("AB C", (2, 3, 1, 4), -1.0, -1.0, 0.0)
    first, second = add_words([beam], log_probs, vocabulary, 0.5)[0].words
    assert (first.text, first.start, first.end) == ("AB", 0.0, 2.0)
    assert (second.text, second.start, second.end) == ("C", 3.0, 3.5)
    graph = Hypothesis("AB C", (), -1.0, -1.0, 0.0)
    lexicon = {"AB": ((2, 3),), "C": ((1, 4),)}
    assert add_words([graph], log_probs, vocabulary, 0.5, lexicon)[0].words == (
        first,
        second,
    )
    for hyp, known in (
        (graph, None),  # nothing tells its tokens
        (graph, {"AB": ((2, 3),)}),
        (Hypothesis("", (), 0.0, 0.0, 0.0, failed=True), lexicon),
        (Hypothesis("AAAA", (2, 2, 2, 2, 2), -1.0, -1.0, 0.0), None),  # no room
    ):
        assert add_words([hyp], log_probs, vocabulary, 0.5, known) == [hyp]
    own = Hypothesis("AB", (2, 3), 0.0, 0.0, 0.0, words=(Word("AB", 0.1, 0.2, 0.3),))
    assert add_words([own], log_probs, vocabulary, 0.5) == [own]


def test_words_of_pieces_and_their_confidence() -> None:
    vocabulary = Vocabulary(["<blk>", "▁THE", "▁", "S", "E"])
    probs = np.full((8, 5), 0.05)
    for t, (token, p) in enumerate(
        [(1, 0.8), (1, 0.6), (0, 0.8), (2, 0.8), (3, 0.6), (0, 0.8), (4, 0.8), (0, 0.8)]
    ):
        probs[t, token] = p
    words = time_words(np.log(probs), (1, 2, 3, 4), vocabulary, 0.02)
    assert [(w.text, w.start, w.end) for w in words] == [
        ("THE", 0.0, 0.04),
        ("SE", 0.08, 0.14),  # from its first letter, not from the mark before it
    ]
    assert [w.confidence for w in words] == pytest.approx([0.8, (0.6 + 0.8) / 2])
    assert time_words(np.log(probs[:2]), (1, 2, 3), vocabulary, 0.02) == ()
    assert time_words(np.zeros((0, 5)), (), vocabulary, 0.02) == ()
