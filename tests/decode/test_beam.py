"""The compiled beam search against the reference, on random posteriors."""

import math
from typing import Any

import numpy as np
import pytest

from asr.decode.beam import PrefixBeamSearch
from asr.decode.hypothesis import Hypothesis
from asr.decode.prefix_beam import Pruning, ReferenceBeamSearch
from asr.decode.vocabulary import Vocabulary
from asr.decode.word_lm import Fusion
from asr.lm.kneser_ney import train_kneser_ney, write_arpa
from asr.lm.ngram import NgramLm

pytest.importorskip("numba")
INF = math.inf
TOKENS = ["<blk>", "<unk>", "▁", "▁A", "B", "▁AB", "A", "BA"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NgramLm]:
    """N-grams over words, and over tokens; neither knows everything."""
    folder = tmp_path_factory.mktemp("lm")
    words = [["AB", "A"], ["A", "AB", "A"], ["ABB"], ["A", "A"], ["BA", "AB", "A"]]
    tokens = [["▁A", "B", "▁AB"], ["▁", "A", "B"], ["▁AB", "BA", "▁A"]]
    loaded = {}
    for name, sentences in (("words", words), ("tokens", tokens)):
        write_arpa(train_kneser_ney(sentences, 3, [0, 0, 0]), folder / f"{name}.arpa")
        loaded[name] = NgramLm(folder / f"{name}.arpa")
    return loaded


def random_rows(rng: np.random.Generator, frames: int, size: int) -> np.ndarray:
    """Log-probs that are sharp or flat, with ties, with -inf, or all blank."""
    kind = rng.choice(["flat", "sharp", "ties", "inf", "blank", "raw"])
    logits = rng.normal(size=(frames, size)) * (4 if kind == "sharp" else 1)
    if kind == "ties":
        logits = rng.integers(0, 2, size=(frames, size)).astype(float)
    if kind == "inf":
        logits[rng.random((frames, size)) < 0.4] = -INF
    if kind == "blank":
        logits[:, 0] += 9
    if kind != "raw":
        with np.errstate(invalid="ignore"):
            logits -= np.logaddexp.reduce(logits, axis=1, keepdims=True)
        logits[np.isnan(logits)] = -INF  # a frame where nothing is possible
    return logits.astype(np.float32)


def random_options(
    rng: np.random.Generator, models: dict[str, NgramLm]
) -> dict[str, Any]:
    """All options of the search, at random."""
    lm = rng.choice(["none", "words", "tokens"])
    lexicon = frozenset(rng.choice(["A", "AB", "ABB", "BA", "ABA", "B"], 4).tolist())
    return {
        "lm": models["words"] if lm == "words" else None,
        "token_lm": models["tokens"] if lm == "tokens" else None,
        "beam_size": int(
            rng.choice([1, 2, 5, 20, 300, 10**9], p=[0.1] + [0.2] * 4 + [0.1])
        ),
        "beam_threshold": float(rng.choice([INF, 14.0, 3.0])),
        "token_threshold": float(rng.choice([INF, 8.0, 2.0])),
        "lm_weight": float(rng.choice([0.5, 2.0, 0.0, -0.3])),
        "word_score": float(rng.choice([0.0, 1.5, -1.0])),
        "unk_score": float(rng.choice([-4.0, 0.0, 1.0])),
        "lexicon": lexicon if rng.random() < 0.4 else None,
        "hotwords": ["ABA", "A BB"] if rng.random() < 0.4 else [],
        "hotword_weight": float(rng.choice([10.0, 2.0, -3.0])),
        "nbest": int(rng.choice([1, 3, 1000])),
    }


def by_reference(
    tokens: list[str], options: dict[str, Any], log_probs: np.ndarray
) -> list[Hypothesis]:
    options = dict(options)
    nbest = options.pop("nbest")
    sizes = ("beam_size", "beam_threshold", "token_threshold")
    pruning = Pruning(*(options.pop(name) for name in sizes))
    hotwords = [word for phrase in options.pop("hotwords") for word in phrase.split()]
    known = None if options["lm"] is None else options["lm"].words()
    fusion = Fusion(hotwords=frozenset(hotwords), known=known, **options)
    return ReferenceBeamSearch(Vocabulary(tokens), fusion, pruning).search(
        log_probs, nbest
    )


def assert_same(found: list[Hypothesis], expected: list[Hypothesis]) -> None:
    if not expected:
        assert [hyp.failed for hyp in found] == [True]
        return
    assert [hyp.tokens for hyp in found] == [hyp.tokens for hyp in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.text == other.text
        for name in ("score", "am_score", "lm_score"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-4)


@pytest.mark.parametrize("seed", range(300))
def test_equal_to_the_reference(models: dict[str, NgramLm], seed: int) -> None:
    """One search object for three utterances: its memory must not show."""
    rng = np.random.default_rng(seed)
    tokens = TOKENS[: rng.choice([1, 2, 3, 5, 8])]
    options = random_options(rng, models)
    search = PrefixBeamSearch(tokens, **options)
    most = 5 if options["beam_size"] > 1000 else 30
    for frames in (int(rng.integers(0, most)), 1, int(rng.integers(1, most))):
        log_probs = random_rows(rng, frames, len(tokens))
        assert_same(search(log_probs), by_reference(tokens, options, log_probs))
