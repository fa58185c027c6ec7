"""Hot words with weights of their own, against all paths and by hand."""

from pathlib import Path

import numpy as np
import pytest

from asr.decode.beam import PrefixBeamSearch
from asr.decode.hot_words import at_nodes, beginnings, known_to, weights_of
from asr.decode.log_probs import write_log_probs
from asr.decode.matrix import decode_set
from asr.decode.options import HotWord, SearchOptions
from asr.decode.word_trie import build_trie
from asr.fsa.lexicon import read_arpa_words, spell_words, write_lexicon
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import train_kneser_ney, write_arpa
from asr.text.phones import PhoneTokenizer
from tests.decode import test_spelled_beam as spelled
from tests.decode.test_prefix_beam import (
    TOKENS,
    UNLIMITED,
    random_log_probs,
    sum_over_paths,
    sum_over_texts,
)

WEIGHTS = {"A": 1.5, "AB": -2.0, "ABB": 4.0, "BA": 0.25, "B": 3.0}


def test_beginnings_by_hand() -> None:
    found = beginnings({"AB": 4.0, "ABCD": 12.0, "AX": -1.0, "XY": -2.0})
    assert found == {
        **{"A": 3.0, "AB": 6.0, "ABC": 9.0, "ABCD": 12.0},  # the whole AB gets its 4
        **{"AX": -1.0, "X": -1.0, "XY": -2.0},
    }
    nodes = at_nodes(build_trie(["AB", "AX", "XY"]), {**found, "X": 7.0})
    assert nodes.tolist() == [0.0, 3.0, 7.0, 6.0, -1.0, -2.0]  # level by level
    assert weights_of(["A B", "C"], 2.0) == {"A": 2.0, "B": 2.0, "C": 2.0}
    assert weights_of({"A B": 1.0, "B": 5.0, "A": -1.0}, 9.0) == {"A": 1.0, "B": 5.0}
    assert weights_of("A B", 3.0) == {"A": 3.0, "B": 3.0}


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> NgramLm:
    sentences = [["AB", "A"], ["A", "AB", "A"], ["ABB"], ["A", "A"]]
    path = tmp_path_factory.mktemp("lm") / "lm.arpa"
    write_arpa(train_kneser_ney(sentences, 3, [0, 0, 0]), path)
    return NgramLm(path)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("with_lm", [False, True])
def test_the_score_is_exact_over_all_paths(
    lm: NgramLm, seed: int, with_lm: bool
) -> None:
    log_probs = random_log_probs(5, 5, seed)
    scales = {"lm_weight": 0.7, "word_score": 0.3, "unk_score": -2.5}
    search = PrefixBeamSearch(
        TOKENS, lm if with_lm else None, hotwords=WEIGHTS, **scales, **UNLIMITED
    )
    expected = {}
    for text, score in sum_over_texts(sum_over_paths(log_probs)).items():
        words = text.split()
        score += 0.3 * len(words) + sum(WEIGHTS.get(word, 0.0) for word in words)
        if with_lm:
            cold = [w for w in words if w not in lm and w not in WEIGHTS]
            score += 0.7 * lm.sentence(words) - 2.5 * len(cold)
        expected[text] = score
    found = search(log_probs)
    assert {hyp.text for hyp in found} == expected.keys()
    for hyp in found:
        assert hyp.score == pytest.approx(expected[hyp.text], abs=1e-4)
    assert {"B", "BA"} & {word for hyp in found for word in hyp.text.split()}


@pytest.mark.parametrize("seed", range(2))
def test_the_score_is_exact_with_spellings(tmp_path: Path, seed: int) -> None:
    sentences = [["A", "TO"], ["AT", "A", "TOO"], ["TO", "A"]]
    write_arpa(train_kneser_ney(sentences, 2, [0, 0]), tmp_path / "lm.arpa")
    lm, log_probs = NgramLm(tmp_path / "lm.arpa"), spelled.random_log_probs(5, seed)
    weights = {"TOO": 2.0, "OOT": 1.25, "UH": -1.0, "A": 0.5}
    plain = spelled.all_scores(log_probs, lm, 0.7, 0.4, -2.0)
    search = PrefixBeamSearch(
        spelled.TOKENS,
        lm,
        spellings=spelled.LEXICON,
        hotwords=weights,
        **{"lm_weight": 0.7, "word_score": 0.4, "unk_score": -2.0},
        **UNLIMITED,
    )
    found = {hyp.text: hyp.score for hyp in search(log_probs)}
    assert found.keys() == plain.keys()
    for text, score in found.items():
        hot = [word for word in text.split() if word in weights]
        spared = 2.0 * sum(word not in lm for word in hot)
        bonus = sum(weights[word] for word in hot) + spared
        assert score == pytest.approx(plain[text] + bonus, abs=1e-4)


def test_the_best_word_that_begins_so_keeps_the_beam(lm: NgramLm) -> None:
    """A beam of 2: with the share of the weak word alone the strong one would be lost."""
    tokens = ["<blk>", "|", "A", "B", "C", "D"]
    probs = np.full((4, 6), 0.001)
    probs[range(4), [2, 5, 5, 5]] = 0.6  # A D D D, hardly A B C D
    probs[1, [0, 3, 5]], probs[2, 4] = (0.4, 0.15, 0.4), 0.3
    log_probs = np.log(probs / probs.sum(axis=1, keepdims=True))
    for hotwords, text in (
        ({"ABCD": 9.0, "AB": 0.5}, "ABCD"),
        ({"AB": 0.5}, "AD"),
        ({"ABCD": 0.5}, "AD"),
        ({"ABCD": 9.0, "AD": 20.0}, "AD"),
    ):
        search = PrefixBeamSearch(tokens, hotwords=hotwords, beam_size=2)
        assert search(log_probs)[0].text == text, hotwords
    unknown = known_to(lm, {"AB": 1.0, "ZZ": 1.0}, -25.0)
    assert unknown == {"AB": 1.0, "ZZ": 26.0}


def test_a_word_that_the_lexicon_lacks_is_found_by_its_own_spelling(
    tmp_path: Path,
) -> None:
    """With phones; the word has its times too."""
    (tmp_path / "lexicon").write_text("A AH\nTO T UW\nTOOT T UW T\nAT AE T\n")
    units = PhoneTokenizer.train(["A TO AT"], tmp_path, tmp_path / "lexicon")
    write_arpa(
        train_kneser_ney([["A", "TO"], ["TO", "AT"]], 2, [0, 0]), tmp_path / "lm.arpa"
    )
    words = spell_words(read_arpa_words(tmp_path / "lm.arpa"), units)
    write_lexicon(words, units.tokens, tmp_path)
    ids = units.encode("A TOOT")
    rows = np.full((3 * len(ids), len(units.tokens)), 0.01)
    rows[range(0, len(rows), 3), ids] = rows[range(1, len(rows), 3), ids] = 0.9
    rows[2::3, 0] = 0.9
    with write_log_probs(tmp_path / "h5", {}) as writer:
        log_probs = np.log(rows / rows.sum(axis=1, keepdims=True))
        writer.add("u", log_probs, 4 * len(rows), 0.04 * len(rows))

    def best(*hot: HotWord) -> tuple[str, list[float]]:
        options = SearchOptions(nbest=1, unk_score=-30.0, hotwords=hot)
        found = decode_set(
            "beam-lm", tmp_path / "h5", tmp_path, tmp_path / "lm.arpa", options
        )
        (hyp,) = found.nbest["u"]
        return hyp.text, [word.start for word in hyp.words]

    assert best()[0] == "A TO AT"
    toot = HotWord("TOOT", 8.0, (tuple(units.encode("TOOT")),))
    assert best(toot) == ("A TOOT", [0.0, 0.12])
    assert best(HotWord("TOOT", -100.0, toot.spellings))[0] == "A TO AT"
