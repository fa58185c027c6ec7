"""Words spelled without a tokenizer, against sentencepiece itself."""

import io
import random
from pathlib import Path

import pytest
import sentencepiece

from asr.errors import RecipeError
from asr.fsa.lexicon import (
    characters_come_last,
    read_lexicon,
    spell_in_tokens,
    with_space,
)


def train(kind: str, size: int) -> tuple[sentencepiece.SentencePieceProcessor, list]:  # type: ignore[type-arg]
    rng = random.Random(0)
    parts = ["KA", "TO", "MIR", "E", "LUN", "AS", "OB", "STRA", "I", "NE", "DON", "U"]
    weights = [1 / (i + 1) for i in range(len(parts))]
    words = [
        "".join(rng.choices(parts, weights, k=rng.randint(1, 4))) for _ in range(900)
    ]
    lines = [" ".join(rng.choices(words, k=9)) for _ in range(2000)]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type=kind,
        vocab_size=size,
        num_threads=1,
        minloglevel=2,
    )
    found = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return found, sorted(set(words))


@pytest.mark.parametrize(("kind", "same"), [("bpe", 1.0), ("unigram", 0.9)])
def test_pieces_are_those_of_the_tokenizer(kind: str, same: float) -> None:
    model, words = train(kind, 120)
    pieces = [model.id_to_piece(i) for i in range(model.get_piece_size())]
    tokens = ["<blk>", *pieces]
    assert characters_come_last(tokens) == (kind == "bpe")
    lexicon = spell_in_tokens(words, tokens, None)
    assert list(lexicon) == words
    for word, (ids,) in lexicon.items():
        assert "".join(tokens[i] for i in ids) == "▁" + word
    expected = {word: model.encode(word, out_type=str) for word in words}
    hits = sum([tokens[i] for i in lexicon[w][0]] == expected[w] for w in words)
    assert hits >= same * len(words)


def test_characters_with_and_without_a_space() -> None:
    tokens = ["<blk>", "B", "▁", "A", "<unk>"]
    assert spell_in_tokens(["AB", "B"], tokens, 2) == {"AB": [(3, 1, 2)], "B": [(1, 2)]}
    assert spell_in_tokens(["AB"], tokens, None) == {"AB": [(2, 3, 1)]}
    assert spell_in_tokens(["AB"], ["<blk>", "B", "A"], None) == {"AB": [(2, 1)]}


def test_words_that_cannot_be_spelled(capsys: pytest.CaptureFixture[str]) -> None:
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
