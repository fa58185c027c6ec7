"""The beam search with a lexicon of spellings, against listing everything."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.decode.beam import PrefixBeamSearch
from asr.decode.hot_words import weights_of
from asr.decode.hypothesis import Hypothesis
from asr.decode.prefix_beam import Pruning
from asr.decode.spelled_beam import ReferenceSpelledSearch
from asr.decode.spelled_words import SpelledWords
from asr.decode.vocabulary import Vocabulary
from asr.decode.word_lm import Fusion
from asr.errors import RecipeError
from asr.fsa.graph import build_graphs
from asr.fsa.lexicon import write_lexicon
from asr.lm.arpa import load_lm
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import train_kneser_ney, write_arpa
from tests.decode.test_beam import assert_same, random_hotwords, random_rows
from tests.decode.test_prefix_beam import UNLIMITED, sum_over_paths

INF = math.inf
TOKENS = ["<blk>", "<unk>", "AH", "T", "UW"]
# Homophones, two ways to say a word, words within words, a repeated phone, a word that
# the LM does not know.
LEXICON = {
    "A": [(2,)],
    "TO": [(3, 4), (3, 2)],
    "TOO": [(3, 4)],
    "AT": [(2, 3)],
    "ATTO": [(2, 3, 3, 4), (2, 3, 4)],
    "UH": [(2,), (2, 2)],
    "OOT": [(4, 3)],
}


@pytest.fixture(scope="module")
def arpa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lm") / "lm.arpa"
    texts = ["A TO", "AT A TOO", "TOO UH TO", "ATTO A", "AT AT TO UH", "TO A TOO"]
    write_arpa(train_kneser_ney([t.split() for t in texts], 2, [0, 0]), path)
    return path


def all_scores(
    log_probs: np.ndarray, lm: NgramLm, weight: float, word_score: float, unk: float
) -> dict[str, float]:
    """Of every word sequence the score of all its pronunciations together."""
    acoustic = sum_over_paths(log_probs)
    total: dict[str, float] = {}
    for number in range(len(log_probs) + 1):
        for words in itertools.product(LEXICON, repeat=number):
            bonus = weight * lm.sentence(words) + number * word_score
            bonus += unk * sum(word not in lm for word in words)
            for ways in itertools.product(*(LEXICON[word] for word in words)):
                ids = tuple(token for way in ways for token in way)
                if ids in acoustic:
                    text, score = " ".join(words), acoustic[ids] + bonus
                    total[text] = float(np.logaddexp(score, total.get(text, -INF)))
    return total


def random_log_probs(frames: int, seed: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(frames, len(TOKENS))) * 2
    logits[:, 1] = -30.0  # so few frames have no room for <unk>
    log_probs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return log_probs.astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_exact_over_all_sentences(arpa: Path, seed: int) -> None:
    lm, log_probs = NgramLm(arpa), random_log_probs(5, seed)
    expected = all_scores(log_probs, lm, 0.7, 0.4, -2.0)
    search = PrefixBeamSearch(
        TOKENS,
        lm,
        spellings=LEXICON,
        lm_weight=0.7,
        word_score=0.4,
        unk_score=-2.0,
        **UNLIMITED,
    )
    found = search(log_probs)
    assert {hyp.text for hyp in found} == expected.keys()
    for hyp in found:
        assert hyp.score == pytest.approx(expected[hyp.text], abs=1e-4)
        assert hyp.lm_score == pytest.approx(lm.sentence(hyp.text.split()), abs=1e-4)
    scores = [hyp.score for hyp in found]
    assert scores == sorted(scores, reverse=True)


def random_options(rng: np.random.Generator, arpa: Path) -> dict[str, Any]:
    lm = NgramLm(arpa) if rng.random() < 0.4 else load_lm(arpa)
    words = rng.permutation(list(LEXICON)).tolist()[: int(rng.integers(1, 8))]
    return {
        "lm": lm if rng.random() < 0.7 else None,
        "spellings": {word: LEXICON[word] for word in words},
        "beam_size": int(rng.choice([1, 2, 5, 20, 300])),
        "beam_threshold": float(rng.choice([INF, 14.0, 3.0])),
        "token_threshold": float(rng.choice([INF, 8.0, 2.0])),
        "histories": int(rng.choice([1, 2, 10**9])),
        "lm_weight": float(rng.choice([0.5, 2.0, 0.0, -0.3])),
        "word_score": float(rng.choice([0.0, 1.5, -1.0])),
        "unk_score": float(rng.choice([-4.0, 0.0, 1.0])),
        "hotwords": random_hotwords(rng, ["TOO", "OOT UH", "TO", "A", "ATTO", "NO"]),
        "hotword_weight": float(rng.choice([10.0, 2.0, -3.0])),
        "nbest": int(rng.choice([1, 3, 1000])),
    }


def by_reference(options: dict[str, Any], log_probs: np.ndarray) -> list[Hypothesis]:
    options = dict(options)
    nbest = options.pop("nbest")
    sizes = ("beam_size", "beam_threshold", "token_threshold", "histories")
    pruning = Pruning(*(options.pop(name) for name in sizes))
    spelled = SpelledWords(options.pop("spellings"), options["lm"])
    hot = weights_of(options.pop("hotwords"), options.pop("hotword_weight"))
    fusion = Fusion(spelled=spelled, hotwords=hot, **options)
    vocabulary = Vocabulary(TOKENS, separator=" ")
    return ReferenceSpelledSearch(vocabulary, fusion, pruning).search(log_probs, nbest)


@pytest.mark.parametrize("seed", range(100))
def test_equal_to_the_reference(arpa: Path, seed: int) -> None:
    """One search object for three utterances: its memory must not show."""
    pytest.importorskip("numba")
    rng = np.random.default_rng(seed)
    options = random_options(rng, arpa)
    search = PrefixBeamSearch(TOKENS, separator=" ", **options)
    for frames in (int(rng.integers(0, 25)), 1, int(rng.integers(1, 25))):
        log_probs = random_rows(rng, frames, len(TOKENS))
        found, expected = search(log_probs), by_reference(options, log_probs)
        assert_same(found, expected)


@pytest.mark.parametrize("backend", ["k2", "kaldi_decoder"])
def test_the_same_words_as_the_graph(arpa: Path, tmp_path: Path, backend: str) -> None:
    """HLG takes the best path, the beam the sum over alignments and pronunciations.

    So posteriors are sharp here: then one path has nearly all of the sum.
    """
    pytest.importorskip(backend)
    spelled = {word: LEXICON[word] for word in sorted(LEXICON) if word != "OOT"}
    write_lexicon(spelled, TOKENS, tmp_path)
    build_graphs(spelled, len(TOKENS), arpa, 2, tmp_path)
    graph = graph_decoder(backend, tmp_path, scale=0.9)
    beam = PrefixBeamSearch(
        TOKENS, NgramLm(arpa), spellings=spelled, lm_weight=0.9, **UNLIMITED_BEAM
    )
    texts = set()
    for seed in range(40):
        log_probs = sharp_log_probs(seed)
        (expected,), found = graph(log_probs), beam(log_probs)[0]
        assert found.text == expected.text
        assert found.score == pytest.approx(expected.score, abs=0.05)
        texts |= set(found.text.split())
    assert {"TO", "TOO", "A", "UH", "ATTO"} <= texts  # all kinds were at stake


UNLIMITED_BEAM: dict[str, Any] = {
    "beam_size": 3000,
    "beam_threshold": INF,
    "token_threshold": 20.0,
}


def sharp_log_probs(seed: int) -> np.ndarray:
    """Some words said, two frames a phone and a blank behind it."""
    rng = np.random.default_rng(seed)
    words = rng.choice([w for w in LEXICON if w != "OOT"], rng.integers(1, 5))
    frames: list[int] = []
    for word in words:
        ways = LEXICON[word]
        for token in ways[int(rng.integers(len(ways)))]:
            frames += [token, token, 0]
    logits = rng.normal(size=(len(frames), len(TOKENS)))
    logits[range(len(frames)), frames] += 16.0
    log_probs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return log_probs.astype(np.float32)


def graph_decoder(backend: str, lang_dir: Path, scale: float) -> Any:
    if backend == "k2":
        from asr.decode.hlg import HlgDecoder
        from asr.decode.lattice import Beams, load_hlg

        beams = Beams(search_beam=1e3, output_beam=1e3, max_active=10000)
        return HlgDecoder(load_hlg(lang_dir), hlg_scale=scale, beams=beams)
    from asr.decode.kaldi import KaldiDecoder, load_kaldi_hlg

    hlg = load_kaldi_hlg(lang_dir)
    return KaldiDecoder(hlg, hlg_scale=scale, search_beam=1e3, max_active=10000)


def test_words_have_times(arpa: Path) -> None:
    """Those of the pronunciation that was heard, in the beam as for the graph."""
    from asr.decode.word_times import add_words

    rows = np.full((8, len(TOKENS)), 0.01)
    rows[range(8), [2, 2, 3, 0, 3, 2, 0, 0]] = 0.96  # A T, T AH: AT TO
    log_probs = np.log(rows).astype(np.float32)
    search = PrefixBeamSearch(
        TOKENS, NgramLm(arpa), spellings=LEXICON, timed=1, frame_shift=0.5
    )
    hyp = search(log_probs)[0]
    assert hyp.text == "AT TO"
    times = [("AT", 0.0, 1.5), ("TO", 2.0, 3.0)]
    assert [(w.text, w.start, w.end) for w in hyp.words] == times
    plain = Hypothesis("AT TO", (), 0.0, 0.0, 0.0)
    vocabulary = Vocabulary(TOKENS, separator=" ")
    (same,) = add_words([plain], log_probs, vocabulary, 0.5, LEXICON)
    assert same.words == hyp.words


def test_spellings_exclude_other_restrictions(arpa: Path) -> None:
    with pytest.raises(RecipeError, match="without lexicon"):
        PrefixBeamSearch(TOKENS, spellings=LEXICON, lexicon=["A"])
    with pytest.raises(RecipeError, match="without words"):
        PrefixBeamSearch(TOKENS, spellings={})


@pytest.mark.parametrize("word", ["NEW YORK", "A\u00a0B", ""])
def test_a_word_has_no_blanks(word: str) -> None:
    with pytest.raises(RecipeError, match="in the lexicon is not one word"):
        PrefixBeamSearch(TOKENS, spellings={word: [(1, 2)]})
