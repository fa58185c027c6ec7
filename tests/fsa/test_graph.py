"""The graphs against k2's general algorithms, KenLM's scores and cases by hand."""

import itertools
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from asr.errors import RecipeError
from asr.fsa.ctc_graph import build_ctc_graph
from asr.fsa.grammar import EMPTY, START, read_grammar
from asr.fsa.graph import build_graphs, load_graph
from asr.fsa.lexicon import (
    Spelling,
    read_arpa_words,
    spell_words,
    word_table,
    write_lexicon,
)
from asr.fsa.token_graph import build_token_graph
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import train_kneser_ney, write_arpa
from asr.text.tokenizer import Tokenizer
from tests.fsa.brute_force import grammar_score

WORDS = ["NEON", "NO", "ON", "ONE"]
# Homophones, a word that begins others, words of one token, a repeated token.
HARD = {"a": [(1,)], "A": [(1,)], "ab": [(1, 2)], "abb": [(1, 2, 2)], "b": [(2,)]}
HARD |= {"bca": [(2, 3, 1)], "bcb": [(2, 3, 2)], "BCB": [(2, 3, 2)]}
HARD |= {"cccc": [(3, 3, 3, 3)]}
# Words of several spellings, shared with others or not, one of which begins the other.
MANY = {**HARD, "a": [(1,), (3, 2)], "A": [(1, 2, 3), (1,)]}
MANY |= {"bca": [(2, 3, 1), (2, 3), (2, 3, 2)], "b": [(2,), (2, 2), (2, 1)]}


def write_random_arpa(path: Path, words: list[str], order: int, seed: int) -> None:
    rng = random.Random(seed)
    texts = [rng.choices(words, k=rng.randint(1, 5)) for _ in range(40)]
    write_arpa(train_kneser_ney(texts, order, [0] * (order - 1) + [1]), path)


@pytest.fixture(scope="module")
def lang(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lexicon and graphs of a four-word language with a trigram."""
    folder = tmp_path_factory.mktemp("lang")
    write_random_arpa(folder / "lm.arpa", WORDS, 3, seed=0)
    Tokenizer.train(WORDS, folder, "char", 0)
    write_graphs(folder, folder)
    return folder


def write_graphs(lang: Path, folder: Path) -> None:
    tokenizer = Tokenizer.load(lang)
    lexicon = spell_words(WORDS, tokenizer)
    write_lexicon(lexicon, tokenizer.tokens, folder)
    build_graphs(lexicon, tokenizer.vocab_size, lang / "lm.arpa", 3, folder)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_grammar_scores_sentences_like_kenlm(tmp_path: Path, order: int) -> None:
    arpa, words = tmp_path / "lm.arpa", list(HARD)
    write_random_arpa(arpa, words, max(order, 2), seed=order)
    table = word_table(words)
    grammar = read_grammar(arpa, table, order)
    if order == 1:
        assert grammar.num_states == 2
        return
    lm, rng = NgramLm(arpa), random.Random(0)
    for _ in range(200):
        sentence = rng.choices(words, k=rng.randint(0, 5))
        found = grammar_score(grammar, [table[word] for word in sentence])
        # Backing off where the n-gram is known is allowed too: never less.
        assert found >= lm.sentence(sentence) - 1e-3
        assert found == pytest.approx(lm.sentence(sentence), abs=1.5)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("max_copied", [0, 4, 100])
@pytest.mark.parametrize("lexicon", [HARD, MANY], ids=["one", "several"])
def test_graph_is_that_of_general_algorithms(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lexicon: dict[str, list[Spelling]],
    order: int,
    max_copied: int,
) -> None:
    """Every alignment of up to 7 frames: the same best score as k2's own graph."""
    k2 = pytest.importorskip("k2")
    from tests.fsa.k2_reference import read_alignment, reference_hlg

    monkeypatch.setattr("asr.fsa.token_graph.MAX_COPIED", max_copied)
    seed = order + max_copied
    write_random_arpa(tmp_path / "lm.arpa", list(lexicon), max(order, 2), seed)
    grammar = read_grammar(tmp_path / "lm.arpa", word_table(lexicon), order)
    reference = reference_hlg(lexicon, grammar, 4)
    graph = build_ctc_graph(build_token_graph(lexicon, grammar))
    word_ids = torch.from_numpy(graph.words)
    ours = k2.arc_sort(k2.Fsa(torch.from_numpy(graph.arcs), aux_labels=word_ids))
    alignments = list(itertools.product(range(4), repeat=4))
    rng = random.Random(seed)
    alignments += [tuple(rng.choices(range(4), k=7)) for _ in range(150)]
    table = list(word_table(lexicon))
    for alignment in alignments:
        expected, _ = read_alignment(reference, list(alignment))
        found, words = read_alignment(ours, list(alignment))
        assert found == pytest.approx(expected, abs=1e-4), alignment
        heard = [k for k, _ in itertools.groupby(alignment) if k]
        spelled = itertools.product(*(lexicon[table[i]] for i in words))
        ways = [[token for one in way for token in one] for way in spelled]
        assert found == -np.inf or heard in ways


def test_graph_is_well_formed_for_k2(lang: Path) -> None:
    graph = load_graph(lang / "HLG.pt")
    src, dst, token, scores = graph.arcs.T
    assert (np.diff(src) >= 0).all()
    last = graph.num_states - 1
    assert ((dst == last) == (token == -1)).all()
    assert ((graph.words == -1) == (token == -1)).all()
    assert not (dst == 0)[src != 0].any()
    assert set(src) == set(range(last))  # no state without a way on
    assert set(dst) == set(range(last + 1))
    # The search sees the best of what is to come: no arc inside a word gains.
    inside = (graph.words == 0) & (src > 1)
    assert scores.copy().view(np.float32)[inside].max() <= 1e-5


def test_hlg_reads_every_alignment_of_a_sentence(lang: Path) -> None:
    """Blanks and repeats are free; the score is the LM's, the output the words."""
    k2 = pytest.importorskip("k2")
    from tests.fsa.k2_reference import read_alignment

    tokenizer, lm = Tokenizer.load(lang), NgramLm(lang / "lm.arpa")
    graph = k2.arc_sort(k2.Fsa.from_dict(torch.load(lang / "HLG.pt")))
    rng = random.Random(1)
    for words in (["ON"], ["ONE", "NO"], ["NEON", "ON", "ONE"]):
        alignment = [0]
        for token in tokenizer.encode(" ".join(words)):
            alignment += [token] * rng.randint(1, 3) + [0] * rng.randint(1, 2)
        score, found = read_alignment(graph, alignment)
        assert found == [word_table(WORDS)[word] for word in words]
        assert score >= lm.sentence(words) - 1e-3
        assert score == pytest.approx(lm.sentence(words), abs=1.0)


def test_order_is_bounded(lang: Path) -> None:
    table = word_table(WORDS)
    sizes = [len(read_grammar(lang / "lm.arpa", table, n).src) for n in (1, 2, 3, 9)]
    assert sizes[0] < sizes[1] < sizes[2] == sizes[3]


def test_words_outside_the_lexicon_leave_no_trace(tmp_path: Path) -> None:
    write_random_arpa(tmp_path / "lm.arpa", ["ON", "NO", "OFF"], 3, seed=0)
    grammar = read_grammar(tmp_path / "lm.arpa", word_table(["NO", "ON"]), 3)
    assert set(grammar.word) == {1, 2}
    assert (grammar.backoff[EMPTY], grammar.backoff[START]) == (-1, EMPTY)
    outgoing = set(grammar.src) | set(np.flatnonzero(grammar.final > -np.inf))
    assert outgoing == set(range(grammar.num_states))


def test_a_graph_that_is_code_is_not_run(tmp_path: Path) -> None:
    class Code:
        def __reduce__(self) -> object:
            return (Path.touch, (tmp_path / "ran",))

    path, arcs = tmp_path / "HLG.pt", torch.zeros(1, 4, dtype=torch.int32)
    torch.save({"arcs": arcs, "aux_labels": arcs[:, 0]}, path)
    assert load_graph(path).arcs.shape == (1, 4)
    content = path.read_bytes()
    torch.save({"arcs": arcs, "aux_labels": Code()}, path)
    code = path.read_bytes()
    for bad in (code, content[: len(content) // 2], b"hello there", b""):
        path.write_bytes(bad)
        with pytest.raises(RecipeError, match="HLG.pt is damaged"):
            load_graph(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("\\data\\\nngram 1=1\n\n\\1-grams:\nbad\n", "line 5: not an n-gram of 1"),
        ("\\data\\\n\n\\1-grams:\n-1 ON 0 7\n", "line 4"),
        ("\\data\\\n\n\\1-grams:\nx ON\n\\end\\\n", "line 4"),
        ("\\data\\\n\n\\1-grams:\n-1 ON\n", "ends without"),
        ("\\data\\\n\n\\1-grams:\n-1 ON\n\\end\\\n", "lacks <s>"),
        ("nothing", "lacks <s>"),
    ],
)
def test_damaged_arpa_is_one_line(tmp_path: Path, content: str, said: str) -> None:
    arpa = tmp_path / "lm.arpa"
    arpa.write_text(content)
    with pytest.raises(RecipeError, match=said):
        read_grammar(arpa, word_table(["ON"]), 3)


def test_graphs_are_the_same_each_time(lang: Path, tmp_path: Path) -> None:
    write_graphs(lang, tmp_path)
    for name in ("words.txt", "lexicon.txt", "L.pt", "L_disambig.pt", "HLG.pt"):
        assert (tmp_path / name).read_bytes() == (lang / name).read_bytes(), name


def test_no_room_is_said_with_the_remedy(
    lang: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grammar = read_grammar(lang / "lm.arpa", word_table(WORDS), 3)
    monkeypatch.setattr("asr.fsa.token_graph.free_memory", lambda: 1000)
    with pytest.raises(RecipeError, match="graph_order=2"):
        build_token_graph({word: [(1, 2)] for word in WORDS}, grammar)


def test_a_limit_of_the_process_counts_as_memory() -> None:
    """As ``ulimit -v`` sets it; the machine has more."""
    code = (
        "import resource\n"
        "from asr.fsa.token_graph import check_room, free_memory\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "print(free_memory())\n"
        "check_room(3 << 30, 'HLG of 7 arcs')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 1 << 28 < int(ran.stdout) < 2 << 30
    assert "HLG of 7 arcs needs 3.2 GB of memory" in ran.stderr


def test_words_of_an_ngram_with_names_of_our_own(tmp_path: Path) -> None:
    """Epsilon and #0 in somebody's text are no words, and no labels of arcs."""
    arpa = tmp_path / "lm.arpa"
    sentences = ["NO <eps> ON".split(), "#0 ON NO".split(), "ON NO".split()]
    write_arpa(train_kneser_ney(sentences, 2, [0, 0]), arpa)
    words = read_arpa_words(arpa)
    assert words == ["NO", "ON"]
    table = word_table(words)
    assert table == {"<eps>": 0, "NO": 1, "ON": 2, "#0": 3, "<s>": 4, "</s>": 5}
    grammar = read_grammar(arpa, table, 2)
    assert set(grammar.word.tolist()) == {1, 2}
