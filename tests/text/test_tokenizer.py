"""The tokenizer: ids, files, round trip, corpora too small."""

import random
from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.text.tokenizer import Tokenizer, join_pieces, read_tokens

WORDS = "ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE ZERO O'CLOCK ÉTÉ".split()


def make_texts(count: int = 200) -> list[str]:
    rng = random.Random(1)
    return [" ".join(rng.choices(WORDS, k=rng.randint(1, 6))) for _ in range(count)]


@pytest.mark.parametrize("kind", ["bpe", "char"])
def test_round_trip_and_ids(tmp_path: Path, kind: str) -> None:
    texts = make_texts()
    trained = Tokenizer.train(texts, tmp_path, kind, 60)
    loaded = Tokenizer.load(tmp_path)
    assert loaded.tokens == trained.tokens == read_tokens(tmp_path / "tokens.txt")
    assert loaded.tokens[:2] == ["<blk>", "<unk>"]
    assert loaded.vocab_size == (60 if kind == "bpe" else len(loaded.tokens))
    for text in texts:
        ids = loaded.encode(text)
        assert loaded.decode(ids) == text
        assert min(ids) >= 2  # neither blank nor unknown


@pytest.mark.parametrize("kind", ["bpe", "char"])
def test_word_alone_is_cut_as_in_a_sentence(tmp_path: Path, kind: str) -> None:
    tokenizer = Tokenizer.train(make_texts(), tmp_path, kind, 60)
    for text in make_texts(20):
        alone = [i for word in text.split() for i in tokenizer.encode(word)]
        assert tokenizer.encode(text) == alone
        starts = [tokenizer.tokens[i].startswith("▁") for i in alone]
        assert sum(starts) == len(text.split())


def test_files_are_the_same_each_time(tmp_path: Path) -> None:
    for run in ("a", "b"):
        Tokenizer.train(make_texts(), tmp_path / run, "bpe", 60)
    for name in ("sp.model", "tokens.txt"):
        first, second = (tmp_path / run / name for run in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()


def test_too_large_vocabulary_takes_the_largest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = Tokenizer.train(["HELLO WORLD", "HOLD ON"], tmp_path, "bpe", 5000)
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"vocab_size 5000 is too high for this text: {tokenizer.vocab_size} taken"
    ]
    assert tokenizer.decode(tokenizer.encode("HELLO WORLD")) == "HELLO WORLD"


def test_unseen_character_is_unknown_and_visible(tmp_path: Path) -> None:
    tokenizer = Tokenizer.train(["AB BA"], tmp_path, "char", 0)
    ids = tokenizer.encode("AXB")
    assert ids.count(1) == 1
    assert tokenizer.decode([0, *ids, 0]) == "A<unk>B"


def test_join_pieces() -> None:
    assert join_pieces([]) == ""
    assert join_pieces(["▁", "A", "▁", "▁B", "C", "▁"]) == "A BC"


def test_user_errors(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no training text"):
        Tokenizer.train(["", " "], tmp_path, "bpe", 60)
    with pytest.raises(RecipeError, match="choose bpe, char or phone"):
        Tokenizer.train(["A"], tmp_path, "word", 60)
    with pytest.raises(RecipeError, match="below the 9"):
        Tokenizer.train(["ABC DEF"], tmp_path, "bpe", 8)
    with pytest.raises(RecipeError, match="stage"):
        Tokenizer.load(tmp_path / "nowhere")
    Tokenizer.train(["AB BA"], tmp_path, "char", 0)
    (tmp_path / "tokens.txt").write_text("<blk> 0\n<unk> 2\n")
    with pytest.raises(RecipeError, match="line 2"):
        Tokenizer.load(tmp_path)
    (tmp_path / "sp.model").write_bytes(b"broken")
    with pytest.raises(RecipeError, match="not a sentencepiece model"):
        Tokenizer.load(tmp_path)
