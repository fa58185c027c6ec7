"""Forced alignment against all paths, one by one; words from it."""

import itertools

import numpy as np
import pytest

from asr.decode.align_times import align_tokens
from asr.decode.hypothesis import Hypothesis, Word
from asr.decode.word_times import add_words, split_words
from asr.text.tokenizer import join_pieces


def random_log_probs(frames: int, size: int, seed: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(frames, size)) * 2
    norm = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return (logits - norm).astype(np.float32)


def best_spans(log_probs: np.ndarray) -> dict[tuple[int, ...], list[list[int]]]:
    """Of every token sequence the runs of tokens in the best of all its paths."""
    frames, size = log_probs.shape
    best: dict[tuple[int, ...], tuple[float, list[list[int]]]] = {}
    for path in itertools.product(range(size), repeat=frames):
        runs, begin = [], 0
        for token, group in itertools.groupby(path):
            length = len(list(group))
            if token:
                runs.append((token, begin, begin + length))
            begin += length
        ids = tuple(token for token, _, _ in runs)
        score = sum(float(log_probs[t, k]) for t, k in enumerate(path))
        if score > best.get(ids, (-np.inf, []))[0]:
            best[ids] = (score, [[a, b] for _, a, b in runs])
    return {ids: runs for ids, (_, runs) in best.items()}


@pytest.mark.parametrize("seed", range(6))
def test_alignments_are_the_best_of_all_paths(seed: int) -> None:
    log_probs = random_log_probs(6, 3, seed)
    if seed == 5:
        log_probs[2] = [-np.inf, 0.0, -np.inf]
    sequences = [ids for n in range(6) for ids in itertools.product((1, 2), repeat=n)]
    expected = best_spans(log_probs)
    found = align_tokens(log_probs, sequences)
    for ids, spans in zip(sequences, found, strict=True):
        assert (None if spans is None else spans.tolist()) == expected.get(ids)
        (alone,) = align_tokens(log_probs, [ids])  # the others change nothing
        assert (None if alone is None else alone.tolist()) == expected.get(ids)
    assert None in [None if spans is None else 0 for spans in found]


def test_too_few_frames_and_none() -> None:
    log_probs = random_log_probs(2, 3, 0)
    one, two, three, none = align_tokens(log_probs, [(1,), (1, 1), (1, 2, 1), ()])
    assert one is not None and two is None and three is None
    assert none is not None and none.shape == (0, 2)
    empty, some = align_tokens(log_probs[:0], [(), (1,)])
    assert empty is not None and len(empty) == 0 and some is None
    assert align_tokens(log_probs, []) == []


@pytest.mark.parametrize(
    "pieces",
    [["▁A", "B", "▁C"], ["A", "▁", "▁", "B", "▁"], ["▁OF▁THE", "N"], ["▁"], [], ["é"]],
)
def test_words_are_those_of_the_text(pieces: list[str]) -> None:
    words = split_words(pieces)
    assert " ".join(word for word, _, _ in words) == join_pieces(pieces)
    for word, first, last in words:
        assert word in "".join(pieces[first : last + 1])


def test_words_with_times_and_confidences() -> None:
    """Frames by hand: A A _ B ▁ _ C, every other token impossible."""
    tokens = ["<blk>", "▁", "A", "B", "C"]
    probs = np.full((7, 5), 1e-9)
    for t, (token, p) in enumerate(
        [(2, 0.5), (2, 0.9), (0, 1.0), (3, 0.4), (1, 0.8), (0, 1.0), (4, 1.0)]
    ):
        probs[t, token] = p
    log_probs = np.log(probs).astype(np.float32)
    beam = Hypothesis("AB C", (2, 3, 1, 4), -1.0, -1.0, 0.0)
    first, second = add_words([beam], log_probs, tokens, 0.5)[0].words
    assert (first.text, first.start, first.end) == ("AB", 0.0, 2.0)
    assert first.confidence == pytest.approx((0.9 * 0.4) ** 0.5)
    assert (second.text, second.start, second.end) == ("C", 3.0, 3.5)
    assert second.confidence == pytest.approx(1.0)
    graph = Hypothesis("AB C", (), -1.0, -1.0, 0.0)
    lexicon = {"AB": (2, 3), "C": (1, 4)}
    assert add_words([graph], log_probs, tokens, 0.5, lexicon)[0].words == (
        first,
        second,
    )
    for hyp, known in (
        (graph, None),  # nothing tells its tokens
        (graph, {"AB": (2, 3)}),
        (Hypothesis("", (), 0.0, 0.0, 0.0, failed=True), lexicon),
        (Hypothesis("AAAA", (2, 2, 2, 2, 2), -1.0, -1.0, 0.0), None),  # no room
    ):
        assert add_words([hyp], log_probs, tokens, 0.5, known) == [hyp]
    own = Hypothesis("AB", (2, 3), 0.0, 0.0, 0.0, words=(Word("AB", 0.1, 0.2, 0.3),))
    assert add_words([own], log_probs, tokens, 0.5) == [own]
