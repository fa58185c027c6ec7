"""HLG one-best against brute force over all word sequences and alignments."""

import functools
import itertools
import random
from pathlib import Path

import numpy as np
import pytest
import torch

k2 = pytest.importorskip("k2")

from asr.decode.hlg import HlgDecoder, load_hlg  # noqa: E402
from asr.fsa.graph import build_graphs, make_grammar  # noqa: E402
from asr.fsa.lexicon import spell_words, word_table, write_lexicon  # noqa: E402
from asr.lm.kneser_ney import train_kneser_ney, write_arpa  # noqa: E402
from asr.text.tokenizer import Tokenizer  # noqa: E402

WORDS = ["A", "AB", "B"]


@pytest.fixture(scope="module")
def lang(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lang")
    rng = random.Random(0)
    texts = [rng.choices(WORDS, k=rng.randint(1, 3)) for _ in range(30)]
    tokenizer = Tokenizer.train(map(" ".join, texts), folder, "char", 0)
    write_arpa(train_kneser_ney(texts, 2, [0, 0]), folder / "lm.arpa")
    lexicon = spell_words(WORDS, tokenizer)
    write_lexicon(lexicon, tokenizer.tokens, folder)
    build_graphs(lexicon, tokenizer.vocab_size, folder / "lm.arpa", 2, folder)
    return folder


def random_log_probs(frames: int, vocab: int, seed: int) -> torch.Tensor:
    logits = np.random.default_rng(seed).normal(size=(frames, vocab)) * 2
    return torch.from_numpy(logits).float().log_softmax(dim=-1)


@functools.cache
def grammar_scores(lang: Path, max_words: int) -> dict[tuple[str, ...], float]:
    """ln scores of all short sentences in G, back-off paths included."""
    grammar = make_grammar(lang / "lm.arpa", lang / "words.txt", 2)
    table = word_table(WORDS)
    labels = grammar.labels.clone()
    labels[labels == table["#0"]] = 0
    grammar.labels = labels
    grammar = k2.arc_sort(grammar)
    scores = {}
    for n in range(max_words + 1):
        for words in itertools.product(WORDS, repeat=n):
            line = k2.linear_fsa([table[word] for word in words])
            line.scores = torch.zeros(line.num_arcs)
            paths = k2.create_fsa_vec([k2.connect(k2.intersect(grammar, line))])
            scores[words] = float(paths.get_tot_scores(True, False))
    return scores


def brute_force(
    lang: Path, log_probs: torch.Tensor, scale: float
) -> dict[str, tuple[float, float]]:
    """Best (score, LM part) of every sentence over all its alignments."""
    tokenizer = Tokenizer.load(lang)
    rows = log_probs.tolist()
    frames, vocab = log_probs.shape
    viterbi: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(vocab), repeat=frames):
        tokens = tuple(k for k, _ in itertools.groupby(path) if k != 0)
        score = sum(rows[t][k] for t, k in enumerate(path))
        viterbi[tokens] = max(score, viterbi.get(tokens, -1e9))
    found = {}
    for words, lm_score in grammar_scores(lang, frames // 2).items():
        tokens = tuple(tokenizer.encode(" ".join(words)))
        if tokens in viterbi:
            score = viterbi[tokens] + scale * lm_score
            found[" ".join(words)] = (score, lm_score)
    return found


@pytest.mark.parametrize("scale", [0.0, 0.6, 1.5])
def test_best_path_is_the_best_of_all(lang: Path, scale: float) -> None:
    decoder = HlgDecoder(
        load_hlg(lang), hlg_scale=scale, search_beam=1e3, output_beam=1e3
    )
    for seed in range(4):
        log_probs = random_log_probs(6, len(Tokenizer.load(lang).tokens), seed)
        expected = brute_force(lang, log_probs, scale)
        (hyp,) = decoder.decode(log_probs[None], torch.tensor([6]))
        best = max(expected, key=lambda text: expected[text][0])
        assert hyp.text == best
        assert hyp.score == pytest.approx(expected[best][0], abs=1e-3)
        if scale:  # else paths of different LM scores tie
            assert hyp.lm_score == pytest.approx(expected[best][1], abs=1e-3)
        assert hyp.am_score + scale * hyp.lm_score == pytest.approx(hyp.score)


def test_batch_keeps_order_and_lengths(lang: Path) -> None:
    decoder = HlgDecoder(load_hlg(lang), hlg_scale=0.5)
    vocab = len(Tokenizer.load(lang).tokens)
    lengths = [5, 0, 12, 7]
    batch = torch.full((4, 12, vocab), float("nan"))  # padding must not be read
    for i, n in enumerate(lengths):
        batch[i, :n] = random_log_probs(12, vocab, i)[:n]
    hyps = decoder.decode(batch, torch.tensor(lengths))
    assert (hyps[1].text, hyps[1].failed) == ("", False)
    for i in (0, 2, 3):
        alone = decoder.decode(
            batch[i : i + 1, : lengths[i]], torch.tensor([lengths[i]])
        )
        assert hyps[i] == alone[0]
        assert not hyps[i].failed


def test_nothing_found_is_marked_not_dropped(lang: Path) -> None:
    """One frame of a letter cannot be a word of the lexicon: ▁ and a letter."""
    tokenizer = Tokenizer.load(lang)
    letter = tokenizer.encode("A")[-1]
    log_probs = torch.full((2, 3, tokenizer.vocab_size), -torch.inf)
    log_probs[0, :, letter] = 0.0
    log_probs[1, :, 0] = 0.0
    bad, good = HlgDecoder(load_hlg(lang)).decode(log_probs, torch.tensor([3, 3]))
    assert (bad.text, bad.failed) == ("", True)
    assert (good.text, good.failed) == ("", False)


def test_second_try_with_wider_beams(lang: Path) -> None:
    """The only way out of the first frame's best state is far below it."""
    tokenizer = Tokenizer.load(lang)
    start, letter = tokenizer.encode("A")
    log_probs = torch.full((1, 2, tokenizer.vocab_size), -torch.inf)
    log_probs[0, 0] = torch.tensor(-100.0)
    log_probs[0, 0, 0] = 0.0  # blank leads nowhere: only a letter follows
    log_probs[0, 0, start] = -1.5
    log_probs[0, 1, letter] = 0.0
    options = {"search_beam": 1.0, "output_beam": 1.0, "min_active": 0}
    (hyp,) = HlgDecoder(load_hlg(lang), hlg_scale=0.0, **options).decode(
        log_probs, torch.tensor([2])
    )
    assert (hyp.text, hyp.failed) == ("A", False)
