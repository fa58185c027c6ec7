"""The lexicon: spelling with and without a tokenizer, files, disambiguation, arcs."""

import io
import random
from pathlib import Path

import pytest
import sentencepiece

from asr.errors import RecipeError
from asr.fsa.lexicon import (
    characters_come_last,
    disambiguate,
    lexicon_arcs,
    read_arpa_words,
    read_lexicon,
    read_words,
    spell_in_tokens,
    spell_words,
    with_space,
    write_lexicon,
)
from asr.lm.train_ngram import train_kneser_ney, write_arpa
from asr.text.tokenizer import Tokenizer

TEXTS = ["ONE TWO", "ON ONE", "NEON TWO ON", "É ONE"]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    return Tokenizer.train(TEXTS, tmp_path / "lang", "char", 0)


def test_words_come_from_the_lm(tmp_path: Path) -> None:
    arpa = tmp_path / "lm.arpa"
    write_arpa(train_kneser_ney([t.split() for t in TEXTS], 2, [0, 0]), arpa)
    assert read_arpa_words(arpa) == ["NEON", "ON", "ONE", "TWO", "É"]
    arpa.write_text("\\data\\\nngram 1=0\n")
    with pytest.raises(RecipeError, match="no unigrams"):
        read_arpa_words(arpa)


def test_files(tmp_path: Path, tokenizer: Tokenizer) -> None:
    lexicon = spell_words(["NEON", "ON"], tokenizer)
    write_lexicon(lexicon, tokenizer.tokens, tmp_path)
    assert (tmp_path / "lexicon.txt").read_text() == "NEON ▁ N E O N\nON ▁ O N\n"
    words = ["<eps>", "NEON", "ON", "#0", "<s>", "</s>"]
    assert read_words(tmp_path / "words.txt") == words
    (tmp_path / "words.txt").write_text("<eps> 0\nON 2\n")
    with pytest.raises(RecipeError, match="damaged"):
        read_words(tmp_path / "words.txt")
    with pytest.raises(RecipeError, match="graph stage"):
        read_words(tmp_path / "nowhere.txt")


def test_words_that_cannot_be_spelled_are_counted(
    tokenizer: Tokenizer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(spell_words(["ON", "ZOO", "ZZ"], tokenizer)) == ["ON"]
    said = capsys.readouterr().out
    assert "2 words cannot be spelled" in said
    assert "ZOO, ZZ" in said
    with pytest.raises(RecipeError, match="no word"):
        spell_words(["ZOO"], tokenizer)


@pytest.mark.parametrize(("kind", "same"), [("bpe", 1.0), ("unigram", 0.9)])
def test_pieces_are_those_of_the_tokenizer(kind: str, same: float) -> None:
    rng = random.Random(0)
    parts = ["KA", "TO", "MIR", "E", "LUN", "AS", "OB", "STRA", "I", "NE", "DON", "U"]
    weights = [1 / (i + 1) for i in range(len(parts))]
    words = [
        "".join(rng.choices(parts, weights, k=rng.randint(1, 4))) for _ in range(900)
    ]
    lines = [" ".join(rng.choices(words, k=9)) for _ in range(2000)]
    model = io.BytesIO()
    options = {"model_type": kind, "vocab_size": 120, "num_threads": 1}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, minloglevel=2, **options
    )
    trained = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    tokens = ["<blk>", *map(trained.id_to_piece, range(trained.get_piece_size()))]
    assert characters_come_last(tokens) == (kind == "bpe")
    words = sorted(set(words))
    lexicon = spell_in_tokens(words, tokens, None)
    assert list(lexicon) == words
    spelled = {word: [tokens[i] for i in ids] for word, (ids,) in lexicon.items()}
    assert all("".join(spelled[word]) == "▁" + word for word in words)
    hits = sum(spelled[word] == trained.encode(word, out_type=str) for word in words)
    assert hits >= same * len(words)


def test_spelling_in_characters(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = ["<blk>", "B", "▁", "A", "<unk>"]
    assert spell_in_tokens(["AB", "B"], tokens, 2) == {"AB": [(3, 1, 2)], "B": [(1, 2)]}
    assert spell_in_tokens(["AB"], tokens, None) == {"AB": [(2, 3, 1)]}
    assert spell_in_tokens(["AB"], ["<blk>", "B", "A"], None) == {"AB": [(2, 1)]}
    tokens = ["<blk>", "▁", "A", "B"]
    assert list(spell_in_tokens(["AB", "a", "É"], tokens, None)) == ["AB"]
    assert "2 words cannot be spelled in tokens (a, É)" in capsys.readouterr().out
    with pytest.raises(RecipeError, match="upper and lower case"):
        spell_in_tokens(["ab"], tokens, None)


def test_lexicon_files(tmp_path: Path) -> None:
    path, tokens = tmp_path / "lexicon.txt", ["<blk>", "|", "A", "B"]
    path.write_text("AB A B |\n\nB  B\nAB B A\n")
    read = read_lexicon(path, tokens)
    assert read == {"AB": [(2, 3, 1), (3, 2)], "B": [(3,)]}
    assert with_space(read, 1) == {"AB": [(2, 3, 1), (3, 2, 1)], "B": [(3, 1)]}
    assert with_space(read, None) == read
    for text, words in (
        ("AB A X\n", "line 1: X is no token"),
        ("A A\nB\n", "line 2: B has no tokens"),
        ("\n", "no words"),
    ):
        path.write_text(text)
        with pytest.raises(RecipeError, match=words):
            read_lexicon(path, tokens)


def test_disambiguation() -> None:
    """Homophones are numbered; a spelling that begins another is marked."""
    assert disambiguate([(2, 3), (2, 3), (4,), (2,), (5, 4)]) == [1, 2, 0, 1, 0]


def test_arcs_by_hand() -> None:
    lexicon = {"A": [(2,)], "AB": [(2, 3)]}
    assert lexicon_arcs(lexicon, None) == [
        (0, 0, 2, 1),
        (0, 1, 2, 2),
        (0, 2, -1, -1),
        (1, 0, 3, 0),
    ]
    assert lexicon_arcs(lexicon, 10) == [
        (0, 1, 2, 1),  # A, then #1 because AB begins with it
        (0, 2, 2, 2),
        (0, 0, 10, 3),  # #0 for G's back-off
        (0, 3, -1, -1),
        (1, 0, 11, 0),
        (2, 0, 3, 0),
    ]
