"""Searches of graphs against brute force over all sentences and alignments."""

import functools
import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from asr.decode.beam import PrefixBeamSearch
from asr.decode.greedy import greedy_search
from asr.decode.hypothesis import Hypothesis
from asr.decode.vocabulary import Vocabulary
from asr.errors import RecipeError
from asr.fsa.grammar import read_grammar
from asr.fsa.graph import build_graphs, build_rescoring_grammar
from asr.fsa.lexicon import spell_words, word_table, write_lexicon
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import train_kneser_ney, write_arpa
from asr.text.tokenizer import Tokenizer
from tests.fsa.brute_force import grammar_score

WORDS = ["A", "AB", "B"]
FRAMES = 6


@pytest.fixture(scope="module")
def lang(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lang")
    rng = random.Random(0)
    texts = [rng.choices(WORDS, k=rng.randint(1, 3)) for _ in range(30)]
    tokenizer = Tokenizer.train(map(" ".join, texts), folder, "char", 0)
    for order in (2, 3):
        model = train_kneser_ney(texts, order, [0] * order)
        write_arpa(model, folder / f"{order}.arpa")
    lexicon = spell_words(WORDS, tokenizer)
    write_lexicon(lexicon, tokenizer.tokens, folder)
    build_graphs(lexicon, tokenizer.vocab_size, folder / "2.arpa", 2, folder)
    build_rescoring_grammar(lexicon, folder / "3.arpa", 3, folder)
    return folder


def random_log_probs(frames: int, vocab: int, seed: int) -> torch.Tensor:
    logits = np.random.default_rng(seed).normal(size=(frames, vocab)) * 2
    return torch.from_numpy(logits).float().log_softmax(dim=-1)


@functools.cache
def grammar_scores(lang: Path, order: int) -> dict[tuple[str, ...], float]:
    """ln scores of all short sentences in G, back-off paths included."""
    table = word_table(WORDS)
    grammar = read_grammar(lang / f"{order}.arpa", table, order)
    return {
        words: grammar_score(grammar, [table[word] for word in words])
        for n in range(FRAMES // 2 + 1)
        for words in itertools.product(WORDS, repeat=n)
    }


def alignments(log_probs: torch.Tensor) -> dict[tuple[int, ...], tuple[float, float]]:
    """Scores of every token sequence: of its best alignment, and of all together."""
    rows = log_probs.tolist()
    frames, vocab = log_probs.shape
    best: dict[tuple[int, ...], float] = {}
    total: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(vocab), repeat=frames):
        tokens = tuple(k for k, _ in itertools.groupby(path) if k != 0)
        score = sum(rows[t][k] for t, k in enumerate(path))
        best[tokens] = max(score, best.get(tokens, -np.inf))
        total[tokens] = float(np.logaddexp(score, total.get(tokens, -np.inf)))
    return {tokens: (best[tokens], total[tokens]) for tokens in best}


def brute_force(
    lang: Path, log_probs: torch.Tensor
) -> dict[str, tuple[float, float, float]]:
    """Best alignment, 2-gram and 3-gram score of every sentence that fits."""
    tokenizer = Tokenizer.load(lang)
    aligned = alignments(log_probs)
    found = {}
    for words, lm_score in grammar_scores(lang, 2).items():
        tokens = tuple(tokenizer.encode(" ".join(words)))
        if tokens in aligned:
            scores = aligned[tokens][0], lm_score, grammar_scores(lang, 3)[words]
            found[" ".join(words)] = scores
    return found


def k2_decoder(lang: Path, **options: Any) -> Any:
    pytest.importorskip("k2")
    from asr.decode.hlg import HlgDecoder
    from asr.decode.lattice import Beams, load_hlg

    scale = options.pop("hlg_scale", 1.0)
    return HlgDecoder(load_hlg(lang), hlg_scale=scale, beams=Beams(**options))


def kaldi_decoder(lang: Path, **options: Any) -> Any:
    pytest.importorskip("kaldi_decoder")
    from asr.decode.kaldi import KaldiDecoder, load_kaldi_hlg

    options.pop("output_beam", None)
    return KaldiDecoder(load_kaldi_hlg(lang), **options)


BACKENDS = pytest.mark.parametrize("backend", [k2_decoder, kaldi_decoder])
Backend = Callable[..., Any]
UNPRUNED = {"search_beam": 1e3, "output_beam": 1e3, "max_active": 10000}


@BACKENDS
@pytest.mark.parametrize("scale", [0.0, 0.6, 1.5])
def test_best_path_is_the_best_of_all(
    lang: Path, backend: Backend, scale: float
) -> None:
    decoder = backend(lang, hlg_scale=scale, **UNPRUNED)
    for seed in range(4):
        log_probs = random_log_probs(FRAMES, len(Tokenizer.load(lang).tokens), seed)
        expected = brute_force(lang, log_probs)
        (hyp,) = decoder(log_probs.numpy())
        am, lm, _ = expected[hyp.text]
        best = max(am + scale * lm for am, lm, _ in expected.values())
        assert am + scale * lm == pytest.approx(best, abs=1e-3)
        assert hyp.score == pytest.approx(best, abs=1e-3)
        if scale:  # else paths of different LM scores tie
            assert hyp.lm_score == pytest.approx(lm, abs=1e-3)
        assert hyp.am_score + scale * hyp.lm_score == pytest.approx(hyp.score)


def test_backends_agree_on_longer_utterances(lang: Path) -> None:
    pytest.importorskip("k2")
    pytest.importorskip("kaldi_decoder")
    vocab = len(Tokenizer.load(lang).tokens)
    for seed in range(10):
        log_probs = random_log_probs(40, vocab, seed).numpy()
        ours = kaldi_decoder(lang, hlg_scale=0.7, **UNPRUNED)(log_probs)[0]
        reference = k2_decoder(lang, hlg_scale=0.7, **UNPRUNED)(log_probs)[0]
        assert ours.text == reference.text
        for name in ("score", "am_score", "lm_score"):
            expected = getattr(reference, name)
            assert getattr(ours, name) == pytest.approx(expected, abs=1e-3)


@BACKENDS
def test_best_path_and_prefix_beam_differ_by_the_sum_alone(
    lang: Path, backend: Backend
) -> None:
    """A closed vocabulary, nothing pruned, the same LM: the same words."""
    tokenizer, lm = Tokenizer.load(lang), NgramLm(lang / "2.arpa")
    beam = PrefixBeamSearch(
        tokenizer.tokens,
        lm,
        beam_size=5000,
        beam_threshold=1e9,
        token_threshold=1e9,
        lm_weight=0.8,
        word_score=0.0,
        unk_score=-1e5,
        histories=5000,
    )
    decoder = backend(lang, hlg_scale=0.8, **UNPRUNED)
    for seed in range(4):
        log_probs = random_log_probs(FRAMES, tokenizer.vocab_size, seed)
        spoken = tokenizer.encode(["A", "B A", "AB", "B B"][seed])
        frames = [*spoken, *[0] * (FRAMES - len(spoken))]
        log_probs[range(FRAMES), frames] += 6.0  # a clear winner, either way
        log_probs = log_probs.log_softmax(-1)
        hyp, summed = decoder(log_probs.numpy())[0], beam(log_probs.numpy())[0]
        assert hyp.text == summed.text
        sums = alignments(log_probs)
        best, _ = sums[tuple(tokenizer.encode(hyp.text))]
        text_of = Vocabulary(tokenizer.tokens).text
        same = [total for ids, (_, total) in sums.items() if text_of(ids) == hyp.text]
        total = float(np.logaddexp.reduce(same))  # the beam: in whatever pieces
        assert hyp.lm_score == pytest.approx(lm.sentence(hyp.text.split()), abs=1e-3)
        assert hyp.score == pytest.approx(best + 0.8 * hyp.lm_score, abs=1e-3)
        assert summed.score - hyp.score == pytest.approx(total - best, abs=1e-3)


def test_batch_keeps_order_and_lengths(lang: Path) -> None:
    decoder = k2_decoder(lang, hlg_scale=0.5)
    vocab = len(Tokenizer.load(lang).tokens)
    lengths = [5, 0, 12, 7]
    batch = torch.full((4, 12, vocab), float("nan"))  # padding must not be read
    for i, n in enumerate(lengths):
        batch[i, :n] = random_log_probs(12, vocab, i)[:n]
    hyps = decoder.batch(batch, torch.tensor(lengths))
    assert (hyps[1][0].text, hyps[1][0].failed) == ("", False)
    for i in (0, 2, 3):
        assert hyps[i] == decoder(batch[i, : lengths[i]].numpy())
        assert not hyps[i][0].failed


@BACKENDS
def test_nothing_found_is_marked_not_dropped(lang: Path, backend: Backend) -> None:
    """One frame of a letter cannot be a word of the lexicon: ▁ and a letter."""
    tokenizer = Tokenizer.load(lang)
    letter = tokenizer.encode("A")[-1]
    log_probs = np.full((2, 3, tokenizer.vocab_size), -np.inf, np.float32)
    log_probs[0, :, letter] = 0.0
    log_probs[1, :, 0] = 0.0
    decoder = backend(lang)
    (bad,), (good,) = decoder(log_probs[0]), decoder(log_probs[1])
    assert (bad.text, bad.failed) == ("", True)
    assert (good.text, good.failed, good.second_try) == ("", False, False)
    assert decoder(log_probs[0, :0]) == [Hypothesis("", (), 0.0, 0.0, 0.0)]


@BACKENDS
def test_second_try_with_wider_beams(lang: Path, backend: Backend) -> None:
    """The only way out of the first frame's best state is far below it."""
    tokenizer = Tokenizer.load(lang)
    start, letter = tokenizer.encode("A")
    log_probs = np.full((2, tokenizer.vocab_size), -np.inf, np.float32)
    log_probs[0] = -100.0
    log_probs[0, 0] = 0.0  # blank leads nowhere: only a letter follows
    log_probs[0, start] = -1.5
    log_probs[1, letter] = 0.0
    options = {"search_beam": 1.0, "output_beam": 1.0, "min_active": 0}
    (hyp,) = backend(lang, hlg_scale=1e-3, **options)(log_probs)
    assert (hyp.text, hyp.failed, hyp.second_try) == ("A", False, True)


def test_out_of_memory_is_tried_smaller(
    lang: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First each utterance alone, then with narrower beams; others keep theirs."""
    k2 = pytest.importorskip("k2")
    search, calls = k2.intersect_dense_pruned, []

    def small(graph: Any, dense: Any, beam: float, *rest: Any) -> Any:
        segments = dense.dense_fsa_vec.shape().dim0
        frames = dense.scores.shape[0]
        calls.append((segments, beam))
        if segments > 1 or (frames > 10 and beam > 10):
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return search(graph, dense, beam, *rest)

    monkeypatch.setattr(k2, "intersect_dense_pruned", small)
    vocab = len(Tokenizer.load(lang).tokens)
    batch = torch.stack([random_log_probs(12, vocab, seed) for seed in range(2)])
    decoder = k2_decoder(lang, search_beam=16.0)
    short, long = decoder.batch(batch, torch.tensor([6, 12]))
    assert calls == [(2, 16.0), (1, 16.0), (1, 8.0), (1, 16.0)]
    assert (short[0].second_try, long[0].second_try) == (False, True)
    assert not short[0].failed and not long[0].failed
    monkeypatch.setattr(k2, "intersect_dense_pruned", raise_out_of_memory)
    (failed,) = decoder(batch[0].numpy())
    assert (failed.failed, failed.second_try) == (True, True)


def raise_out_of_memory(*_: Any) -> None:
    raise MemoryError("std::bad_alloc")


def test_other_errors_are_not_hidden(
    lang: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    k2 = pytest.importorskip("k2")

    def broken(*_: Any) -> None:
        raise RuntimeError("Some bad things happened")

    monkeypatch.setattr(k2, "intersect_dense_pruned", broken)
    with pytest.raises(RuntimeError, match="bad things"):
        k2_decoder(lang)(np.zeros((2, len(Tokenizer.load(lang).tokens)), np.float32))


@pytest.mark.parametrize("scales", [(0.9, 0.0), (0.5, 0.4), (0.0, 0.9)])
def test_whole_lattice_rescoring_is_the_best_of_all(
    lang: Path, scales: tuple[float, float]
) -> None:
    pytest.importorskip("k2")
    from asr.decode.lattice import Beams, load_hlg
    from asr.decode.lattice_rescoring import LatticeRescoring, load_rescoring_grammar

    decoder = LatticeRescoring(
        load_hlg(lang),
        load_rescoring_grammar(lang),
        hlg_scale=0.4,
        own_scale=scales[0],
        larger_scale=scales[1],
        beams=Beams(**UNPRUNED),
    )
    vocab = len(Tokenizer.load(lang).tokens)
    batch = torch.stack([random_log_probs(FRAMES, vocab, seed) for seed in range(4)])
    found = decoder.batch(batch, torch.full((4,), FRAMES))
    for log_probs, (hyp,) in zip(batch, found, strict=True):
        scores = {
            text: am + scales[0] * lm + scales[1] * larger
            for text, (am, lm, larger) in brute_force(lang, log_probs).items()
        }
        assert hyp.text == max(scores, key=lambda text: scores[text])
        assert hyp.score == pytest.approx(scores[hyp.text], abs=1e-3)


def test_one_lattice_gives_the_best_paths_of_other_scales(lang: Path) -> None:
    pytest.importorskip("k2")
    from asr.decode.hlg import ScaledHlg
    from asr.decode.lattice import Beams, load_hlg
    from asr.decode.lattice_rescoring import LatticeRescoring, load_rescoring_grammar

    hlg, beams = load_hlg(lang), Beams(**UNPRUNED)
    log_probs = random_log_probs(9, len(Tokenizer.load(lang).tokens), 0).numpy()
    others = [(0.6, 0.0), (1.2, 0.0)]
    lattice = LatticeRescoring(
        hlg,
        load_rescoring_grammar(lang),
        hlg_scale=0.6,
        own_scale=0.3,
        larger_scale=0.3,
        others=others,
        beams=beams,
    )
    scaled = ScaledHlg(hlg, hlg_scale=0.6, ratios=[2.0], beams=beams)
    for hyps in (lattice(log_probs)[1:], scaled(log_probs)):
        for hyp, scale in zip(hyps, (0.6, 1.2), strict=True):
            (alone,) = k2_decoder(lang, hlg_scale=scale, **UNPRUNED)(log_probs)
            assert hyp.text == alone.text
            assert hyp.am_score == pytest.approx(alone.am_score, abs=1e-3)
            assert hyp.lm_score == pytest.approx(alone.lm_score, abs=1e-3)
    for hyp in lattice(log_probs):
        expected = hyp.am_score + 0.3 * hyp.lm_score + 0.3 * hyp.larger_score
        assert hyp.score == pytest.approx(expected, abs=1e-3)


def test_nbest_holds_best_alignments_and_is_ranked(lang: Path) -> None:
    pytest.importorskip("k2")
    from asr.decode.lattice import Beams, load_hlg
    from asr.decode.lattice_rescoring import NbestRescoring

    lm = NgramLm(lang / "3.arpa")
    decoder = NbestRescoring(
        load_hlg(lang),
        lm,
        hlg_scale=0.6,
        own_scale=0.2,
        larger_scale=0.6,
        num_paths=300,
        nbest_scale=0.3,
        nbest=5,
        beams=Beams(**UNPRUNED),
    )
    vocab = len(Tokenizer.load(lang).tokens)
    batch = torch.stack([random_log_probs(FRAMES, vocab, seed) for seed in range(3)])
    outcomes = decoder.candidates(batch, torch.tensor([FRAMES] * 3))
    lists = decoder.batch(batch, torch.tensor([FRAMES] * 3))
    for log_probs, outcome, hyps in zip(batch, outcomes, lists, strict=True):
        expected = brute_force(lang, log_probs)
        candidates = outcome.result
        assert candidates is not None and len(candidates) > 5
        assert len({c.text for c in candidates}) == len(candidates)
        for c in candidates:
            am, lm_score, _ = expected[c.text]
            # of equally good paths of different parts any may be taken
            assert c.am + 0.6 * c.lm == pytest.approx(am + 0.6 * lm_score, abs=1e-3)
            assert c.larger == pytest.approx(lm.sentence(c.text.split()))
        best = max(expected, key=lambda t: expected[t][0] + 0.6 * expected[t][1])
        assert candidates[0].text == best
        scores = [c.am + 0.2 * c.lm + 0.6 * c.larger for c in candidates]
        assert [h.score for h in hyps] == pytest.approx(sorted(scores)[::-1][:5])


def test_ctc_topology_finds_the_best_token_of_every_frame(lang: Path) -> None:
    pytest.importorskip("k2")
    from asr.decode.hlg import CtcDecoder

    tokens = Tokenizer.load(lang).tokens
    decoder = CtcDecoder(tokens)
    for seed in range(5):
        log_probs = random_log_probs(30, len(tokens), seed).numpy()
        (hyp,), expected = decoder(log_probs), greedy_search(log_probs, tokens)
        assert (hyp.text, hyp.tokens) == (expected.text, expected.tokens)
        assert hyp.score == pytest.approx(expected.score, abs=1e-3)


def test_graphs_of_an_older_form_are_named(lang: Path, tmp_path: Path) -> None:
    from asr.fsa.graph import load_graph

    with pytest.raises(RecipeError, match="run the graph stage"):
        load_graph(tmp_path / "HLG.pt")
    torch.save({"arcs": torch.zeros(1, 4), "aux_labels": "ragged"}, tmp_path / "HLG.pt")
    with pytest.raises(RecipeError, match="older form"):
        load_graph(tmp_path / "HLG.pt")


def test_narrower_beams_are_such_as_k2_takes() -> None:
    from asr.decode.lattice import Beams

    for most in (2, 30, 100, 3000):
        beams = Beams(max_active=most, min_active=min(30, most - 1))
        for other in (beams.narrower, beams.wider):
            assert 0 <= other.min_active < other.max_active
