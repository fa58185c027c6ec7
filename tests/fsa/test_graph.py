"""The graphs against brute force over words and the n-gram's own scores."""

import itertools
import random
from pathlib import Path

import pytest
import torch

k2 = pytest.importorskip("k2")

from asr.errors import RecipeError  # noqa: E402
from asr.fsa.graph import build_graphs, load_fsa, make_grammar  # noqa: E402
from asr.fsa.lexicon import (  # noqa: E402
    read_arpa_words,
    spell_words,
    word_table,
    write_lexicon,
)
from asr.lm.kneser_ney import train_kneser_ney, write_arpa  # noqa: E402
from asr.lm.ngram import NgramLm  # noqa: E402
from asr.text.tokenizer import Tokenizer  # noqa: E402

WORDS = ["NEON", "NO", "ON", "ONE"]


@pytest.fixture(scope="module")
def lang(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lexicon and graphs of a four-word language with a trigram."""
    folder = tmp_path_factory.mktemp("lang")
    rng = random.Random(0)
    texts = [rng.choices(WORDS, k=rng.randint(1, 4)) for _ in range(40)]
    tokenizer = Tokenizer.train(map(" ".join, texts), folder, "char", 0)
    write_arpa(train_kneser_ney(texts, 3, [0, 0, 1]), folder / "lm.arpa")
    lexicon = spell_words(read_arpa_words(folder / "lm.arpa"), tokenizer)
    write_lexicon(lexicon, tokenizer.tokens, folder)
    build_graphs(lexicon, tokenizer.vocab_size, folder / "lm.arpa", 3, folder)
    return folder


def linear(labels: list[int]) -> "k2.Fsa":
    fsa = k2.linear_fsa(labels)
    fsa.scores = torch.zeros(fsa.num_arcs)  # k2 wants them with stride 1
    return fsa


def best_score(graph: "k2.Fsa", labels: list[int]) -> float:
    """Score of the best path of ``graph`` that reads the labels, epsilons between."""
    paths = k2.connect(k2.intersect(graph, linear(labels)))
    return float(k2.create_fsa_vec([paths]).get_tot_scores(True, False))


def test_grammar_scores_sentences_like_the_lm(lang: Path) -> None:
    grammar = make_grammar(lang / "lm.arpa", lang / "words.txt", 3)
    table = word_table(WORDS)
    labels = grammar.labels.clone()
    labels[labels == table["#0"]] = 0
    grammar.labels = labels
    grammar = k2.arc_sort(grammar)
    lm = NgramLm(lang / "lm.arpa")
    for n in range(4):
        for words in itertools.product(WORDS, repeat=n):
            found = best_score(grammar, [table[word] for word in words])
            # Backing off where the n-gram is known is allowed too: never less.
            assert found >= lm.sentence(words) - 1e-3
            assert found == pytest.approx(lm.sentence(words), abs=1.0)


def test_hlg_reads_every_alignment_of_a_sentence(lang: Path) -> None:
    """Blanks and repeats are free; the score is G's, the output the words."""
    tokenizer, lm = Tokenizer.load(lang), NgramLm(lang / "lm.arpa")
    graph = load_fsa(lang / "HLG.pt")
    assert bool((graph.scores == graph.lm_scores).all())
    rng = random.Random(1)
    for words in (["ON"], ["ONE", "NO"], ["NEON", "ON", "ONE"]):
        alignment = [0]
        for token in tokenizer.encode(" ".join(words)):
            alignment += [token] * rng.randint(1, 3) + [0] * rng.randint(1, 2)
        # k2 takes label 0 for epsilon, so blanks are matched by exact composition
        paths = k2.intersect(graph, linear(alignment), treat_epsilons_specially=False)
        best = k2.shortest_path(k2.create_fsa_vec([k2.connect(paths)]), True)
        found = [i for i in best.aux_labels.values.tolist() if i > 0]
        table = word_table(WORDS)
        assert found == [table[word] for word in words]
        assert float(best.scores.sum()) >= lm.sentence(words) - 1e-3
        assert float(best.scores.sum()) == pytest.approx(lm.sentence(words), abs=1.0)


def test_order_is_bounded(lang: Path) -> None:
    sizes = [
        make_grammar(lang / "lm.arpa", lang / "words.txt", n).num_arcs for n in (1, 2)
    ]
    assert sizes[0] < sizes[1]


def test_damaged_arpa_is_one_line(lang: Path, tmp_path: Path) -> None:
    arpa = tmp_path / "lm.arpa"
    arpa.write_text("\\data\\\nngram 1=1\n\n\\1-grams:\nbad\n")
    with pytest.raises(RecipeError, match="Invalid n-gram data line"):
        make_grammar(arpa, lang / "words.txt", 3)


def test_graphs_are_the_same_each_time(lang: Path, tmp_path: Path) -> None:
    lexicon = spell_words(WORDS, Tokenizer.load(lang))
    write_lexicon(lexicon, Tokenizer.load(lang).tokens, tmp_path)
    build_graphs(
        lexicon, len(Tokenizer.load(lang).tokens), lang / "lm.arpa", 3, tmp_path
    )
    for name in ("words.txt", "lexicon.txt", "L.pt", "L_disambig.pt", "HLG.pt"):
        assert (tmp_path / name).read_bytes() == (lang / name).read_bytes(), name
