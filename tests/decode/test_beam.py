"""The compiled beam search against the reference, on random posteriors."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from asr.decode import beam
from asr.decode.beam import PrefixBeamSearch, numba_is_missing
from asr.decode.hot_words import weights_of
from asr.decode.hypothesis import Hypothesis
from asr.decode.prefix_beam import Pruning, ReferenceBeamSearch
from asr.decode.vocabulary import Vocabulary
from asr.decode.word_lm import Fusion
from asr.errors import RecipeError
from asr.lm.arpa import load_lm
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import train_kneser_ney, write_arpa

pytest.importorskip("numba")
INF = math.inf
TOKENS = ["<blk>", "<unk>", "▁", "▁A", "B", "▁AB", "A", "BA"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """N-grams over words, and over tokens; neither knows everything.

    Each through KenLM, and as arrays that the compiled search asks itself.
    """
    folder = tmp_path_factory.mktemp("lm")
    words = [["AB", "A"], ["A", "AB", "A"], ["ABB"], ["A", "A"], ["BA", "AB", "A"]]
    tokens = [["▁A", "B", "▁AB"], ["▁", "A", "B"], ["▁AB", "BA", "▁A"]]
    loaded: dict[str, Any] = {}
    for name, sentences in (("words", words), ("tokens", tokens)):
        write_arpa(train_kneser_ney(sentences, 3, [0, 0, 0]), folder / f"{name}.arpa")
        loaded[name] = NgramLm(folder / f"{name}.arpa")
        loaded[f"{name} arpa"] = load_lm(folder / f"{name}.arpa")
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


def random_options(rng: np.random.Generator, models: dict[str, Any]) -> dict[str, Any]:
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
        "histories": int(rng.choice([1, 2, 10**9])),
        "lm_weight": float(rng.choice([0.5, 2.0, 0.0, -0.3])),
        "word_score": float(rng.choice([0.0, 1.5, -1.0])),
        "unk_score": float(rng.choice([-4.0, 0.0, 1.0])),
        "lexicon": lexicon if rng.random() < 0.4 else None,
        "hotwords": random_hotwords(rng, ["A", "ABA", "BB", "AB", "ABAB", "A BB"]),
        "hotword_weight": float(rng.choice([10.0, 2.0, -3.0])),
        "nbest": int(rng.choice([1, 3, 1000])),
    }


def random_hotwords(
    rng: np.random.Generator, words: list[str]
) -> list[str] | dict[str, float]:
    """None, some of one weight, or some with weights of their own."""
    some = rng.permutation(words)[: int(rng.integers(1, len(words)))].tolist()
    kind = rng.choice(["none", "one", "own"], p=[0.4, 0.2, 0.4])
    weights = rng.choice([9.0, 4.0, 1.5, 0.0, -2.0], len(some)).tolist()
    return {"none": [], "one": some, "own": dict(zip(some, weights, strict=True))}[kind]


def by_reference(
    tokens: list[str], options: dict[str, Any], log_probs: np.ndarray
) -> list[Hypothesis]:
    options = dict(options)
    nbest = options.pop("nbest")
    sizes = ("beam_size", "beam_threshold", "token_threshold", "histories")
    pruning = Pruning(*(options.pop(name) for name in sizes))
    hot = weights_of(options.pop("hotwords"), options.pop("hotword_weight", 10.0))
    fusion = Fusion(hotwords=hot, **options)
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
def test_equal_to_the_reference(models: dict[str, Any], seed: int) -> None:
    """One search object for three utterances: its memory must not show.

    The reference has the same LM: ties fall by the last digit of what that says.
    """
    rng = np.random.default_rng(seed)
    tokens = TOKENS[: rng.choice([1, 2, 3, 5, 8])]
    options = random_options(rng, models)
    given = [options]
    for name, lm in (("words", options["lm"]), ("tokens", options["token_lm"])):
        if lm is not None:
            key = "lm" if name == "words" else "token_lm"
            given.append({**options, key: models[f"{name} arpa"]})
    searches = [PrefixBeamSearch(tokens, **some) for some in given]
    most = 5 if options["beam_size"] > 1000 else 30
    for frames in (int(rng.integers(0, most)), 1, int(rng.integers(1, most))):
        log_probs = random_rows(rng, frames, len(tokens))
        for search, some in zip(searches, given, strict=True):
            assert_same(search(log_probs), by_reference(tokens, some, log_probs))


def test_one_call_for_a_padded_batch(models: dict[str, Any]) -> None:
    """numpy or torch; what is behind an utterance's end changes nothing."""
    rng = np.random.default_rng(1)
    rows = [random_rows(rng, frames, 5) for frames in (7, 0, 12, 1)]
    search = PrefixBeamSearch(TOKENS[:5], models["words"], nbest=4)
    padded = np.full((4, 15, 5), np.nan, dtype=np.float32)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    alone = [search(row) for row in rows]
    lengths = [len(row) for row in rows]
    assert search(padded, lengths) == alone
    assert search(torch.from_numpy(padded), torch.tensor(lengths)) == alone
    assert search(torch.from_numpy(rows[2]).double().requires_grad_()) == alone[2]
    with pytest.raises(RecipeError, match=r"lengths \[7, 0, 16, 1\] do not fit 15"):
        search(padded, [7, 0, 16, 1])
    with pytest.raises(RecipeError, match=r"need \(utterances, frames, 5\)"):
        search(rows[0], [7])


def test_two_threads_find_what_one_does(models: dict[str, Any]) -> None:
    rng = np.random.default_rng(3)
    padded = np.stack([random_rows(rng, 40, 8) for _ in range(60)])
    lengths = rng.integers(0, 41, 60)
    for lm in (None, models["words"], models["words arpa"]):
        options: dict[str, Any] = {"beam_size": 40, "nbest": 5, "timed": 1}
        one = PrefixBeamSearch(TOKENS, lm, threads=1, **options)
        two = PrefixBeamSearch(TOKENS, lm, threads=2, **options)
        expected = [one(x[:n]) for x, n in zip(padded, lengths, strict=True)]
        assert two(padded, lengths) == expected == one(padded, lengths)


def spell(search: PrefixBeamSearch, tokens: list[str], spoken: list[str]) -> Any:
    """Search posteriors that are 0.9 for the spoken tokens, one a frame."""
    probs = np.full((len(spoken), len(tokens)), 0.1 / (len(tokens) - 1))
    probs[range(len(spoken)), [tokens.index(token) for token in spoken]] = 0.9
    return search(np.log(probs))[0]


@pytest.mark.parametrize("space", ["|", "<space>", " "])
def test_vocabularies_of_others(space: str) -> None:
    """wav2vec 2.0's order, and a blank that is the last token or not listed."""
    tokens = ["<pad>", "<s>", "</s>", "<unk>", space, "E", "T"]
    spoken = ["T", "<pad>", "E", space, space, "<pad>", "T", "<pad>", "<s>"]
    hyp = spell(PrefixBeamSearch(tokens, timed=1), tokens, spoken)
    assert hyp.text == "TE T"
    assert [(w.text, w.start, w.end) for w in hyp.words] == [
        ("TE", 0.0, 0.12),
        ("T", 0.24, 0.28),
    ]
    assert [w.confidence for w in hyp.words] == pytest.approx([0.9, 0.9])
    letters = [space, "E", "T"]
    with_blank = [*letters, "<blk>"]
    spoken = ["T", "<blk>", "E", space, "T"]
    for given in (letters, with_blank):
        search = PrefixBeamSearch(given, blank=3)
        assert spell(search, with_blank, spoken).text == "TE T"


def test_lm_from_a_path_and_lexicon_from_a_file(tmp_path: Path) -> None:
    write_arpa(train_kneser_ney([["AB", "A"], ["A"]], 2, [0, 0]), tmp_path / "lm.arpa")
    (tmp_path / "lexicon.txt").write_text("AB ▁ A B\nA ▁ A\n")
    tokens = ["<blk>", "|", "A", "B"]
    log_probs = random_rows(np.random.default_rng(2), 9, 4)
    options: dict[str, Any] = {"beam_size": 50, "nbest": 50}
    search = PrefixBeamSearch(
        tokens, str(tmp_path / "lm.arpa"), lexicon=tmp_path / "lexicon.txt", **options
    )
    lm = NgramLm(tmp_path / "lm.arpa")
    assert lm.words() == {"AB", "A"}
    again = PrefixBeamSearch(tokens, lm, lexicon=["A", "AB"], **options)
    assert_same(search(log_probs), again(log_probs))
    said = {word for hyp in search(log_probs) for word in hyp.text.split()}
    assert said == {"A", "AB"}


def test_hot_words_win_where_it_is_close() -> None:
    tokens = ["<blk>", "|", "A", "B", "C"]
    probs = np.full((3, 5), 0.01)
    probs[0, 2], probs[1, 3], probs[1, 4], probs[2, 0] = 0.97, 0.3, 0.66, 0.97
    log_probs = np.log(probs)
    assert PrefixBeamSearch(tokens)(log_probs)[0].text == "AC"
    assert PrefixBeamSearch(tokens, hotwords=["AB"])(log_probs)[0].text == "AB"
    weak = PrefixBeamSearch(tokens, hotwords=["AB"], hotword_weight=0.1)
    assert weak(log_probs)[0].text == "AC"


def test_an_unfinished_last_word_is_left_out() -> None:
    """The lexicon allows no other end: the words before it are the answer."""
    tokens = ["<blk>", "|", "A", "B", "C"]
    search = PrefixBeamSearch(tokens, lexicon=["A", "BBBBBBB"], token_threshold=1.0)
    assert spell(search, tokens, ["A", "|", "B", "<blk>", "B"]).text == "A"


def test_long_and_many_words_outgrow_every_array(models: dict[str, Any]) -> None:
    """First sizes are 256 places and 4096 prefixes; more must change nothing."""
    log_probs = random_rows(np.random.default_rng(12), 60, 8)
    sizes = {"beam_size": 400, "beam_threshold": INF, "token_threshold": INF}
    sizes["histories"] = 10**9
    for lm in ({"lm": models["words"]}, {"token_lm": models["tokens"]}):
        options = {**lm, **sizes, "nbest": 20}
        search = PrefixBeamSearch(TOKENS, **options)
        expected = by_reference(
            TOKENS, {"hotwords": [], "lm": None, **options}, log_probs
        )
        assert_same(search(log_probs), expected)


def test_without_numba_the_reference_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log_probs = random_rows(np.random.default_rng(5), 20, 5)
    expected = PrefixBeamSearch(TOKENS[:5], nbest=5)(log_probs)
    monkeypatch.setattr(beam, "missing", lambda name: f"{name} cannot be imported (x)")
    numba_is_missing.cache_clear()
    searches = [PrefixBeamSearch(TOKENS[:5], nbest=5) for _ in range(2)]
    assert capsys.readouterr().out.count("numba cannot be imported (x), so") == 1
    numba_is_missing.cache_clear()
    assert_same(searches[0](log_probs), expected)


def test_mistakes_are_named(models: dict[str, Any]) -> None:
    lm = models["words"]
    with pytest.raises(RecipeError, match="not both"):
        PrefixBeamSearch(TOKENS, lm, token_lm=lm)
    with pytest.raises(RecipeError, match="blank 9 is not one of the 8 tokens"):
        PrefixBeamSearch(TOKENS, blank=9)
    with pytest.raises(RecipeError, match="'A' 2 times"):
        PrefixBeamSearch(["<blk>", "A", "A"])
    with pytest.raises(RecipeError, match="beam_size"):
        PrefixBeamSearch(TOKENS, beam_size=0)
    with pytest.raises(RecipeError, match="cannot be read"):
        PrefixBeamSearch(TOKENS, lexicon=Path("nowhere.txt"))


def test_a_blank_that_seems_to_be_another_token_is_named() -> None:
    with pytest.raises(RecipeError, match="blank 0 is ' ', and token 2 is ''"):
        PrefixBeamSearch([" ", "a", ""])
    search = PrefixBeamSearch([" ", "a", ""], blank=2)
    assert search(np.log([[0.1, 0.8, 0.1]]))[0].text == "a"


def test_a_batch_needs_lengths() -> None:
    search = PrefixBeamSearch(["<blk>", "a"])
    with pytest.raises(RecipeError, match="a batch needs lengths"):
        search(np.log(np.full((2, 3, 2), 0.5)))


def test_a_string_of_hot_words_is_one_phrase() -> None:
    log_probs = np.log(np.full((4, 4), 0.25))
    tokens = ["<blk>", "A", "B", " "]

    def text(hotwords: str | list[str]) -> str:
        return str(PrefixBeamSearch(tokens, hotwords=hotwords)(log_probs)[0].text)

    assert text("AB") == text(["AB"]) != text(["A", "B"])
