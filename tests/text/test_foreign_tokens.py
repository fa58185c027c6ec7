"""Tokens of other toolkits in the recipe's form."""

from pathlib import Path

import pytest

from asr.errors import RecipeError
from asr.text.foreign_tokens import ForeignTokens, read_foreign_tokens


def read(tmp_path: Path, text: str, blank: int | None = None) -> ForeignTokens:
    path = tmp_path / "tokens.txt"
    path.write_text(text, encoding="utf-8")
    return read_foreign_tokens(path, blank)


def test_the_recipes_own_file_stays_as_it_is(tmp_path: Path) -> None:
    found = read(tmp_path, "<blk> 0\n<unk> 1\n▁ 2\nA 3\n| 4\n")
    assert found.tokens == ("<blk>", "<unk>", "▁", "A", "|")  # | is a character here
    assert found.written == found.tokens
    assert (found.columns, found.width, found.space) == ((0, 1, 2, 3, 4), 5, None)


def test_hugging_face_characters(tmp_path: Path) -> None:
    text = "<pad> 0\n<s> 1\n</s> 2\n<unk> 3\n| 4\nE 5\n' 6\n"
    found = read(tmp_path, text)
    assert found.tokens == ("<blk>", "<unk>", "▁", "E", "'")
    assert found.written == ("<pad>", "<unk>", "|", "E", "'")
    assert (found.columns, found.width, found.space) == ((0, 3, 4, 5, 6), 7, 2)


def test_espnet_characters_and_a_blank_by_id(tmp_path: Path) -> None:
    text = "<blank>\t0\n<unk>\t1\n<space>\t2\n|\t3\nA\t4\n<sos/eos>\t5\n"
    found = read(tmp_path, text)
    assert found.tokens == ("<blk>", "<unk>", "▁", "|", "A")
    assert (found.columns, found.space) == ((0, 1, 2, 3, 4), 2)
    assert read(tmp_path, "- 0\n| 1\nA 2\n", 0).tokens == ("<blk>", "▁", "A")


def test_nemo_has_its_blank_last_or_not_at_all(tmp_path: Path) -> None:
    text = "  0\nA 1\nB 2\n"  # the first token is a space
    found = read(tmp_path, text, 3)
    assert found.tokens == ("<blk>", "▁", "A", "B")
    assert (found.columns, found.width, found.space) == ((3, 0, 1, 2), 4, 1)
    assert read(tmp_path, text + "<blk> 3\n").columns == found.columns
    with pytest.raises(RecipeError, match="by --blank ID, 3 if it is the model's last"):
        read(tmp_path, text)
    with pytest.raises(RecipeError, match="--blank 4: .* has ids 0 to 2"):
        read(tmp_path, text, 4)


def test_icefall_pieces_any_order_of_lines(tmp_path: Path) -> None:
    text = "#0 4\n#1 5\n▁A 2\n<blk> 0\n<sos/eos> 1\n#B 3\n"
    found = read(tmp_path, text)
    assert found.tokens == ("<blk>", "▁A", "#B")
    assert (found.columns, found.width, found.space) == ((0, 2, 3), 4, None)


def test_no_token_begins_a_word(tmp_path: Path) -> None:
    found = read(tmp_path, "<blank> 0\n你 1\n好 2\n")
    assert found.space is None and not found.show_words
    assert read(tmp_path, "<blank> 0\n<space> 1\n好 2\n").show_words
    assert read(tmp_path, "<blank> 0\n▁你 1\n好 2\n").show_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<blk> 0\nA\n", "line 2: not 'token id': A"),
        ("<blk> 0\nA 0\n", "line 2: id 0 for a second time"),
        ("<blk> 0\nA 2\n", "id 1 is missing"),
        ("\n", "no tokens"),
    ],
)
def test_damaged_files(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        read(tmp_path, text)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "tokens.txt"
    with pytest.raises(RecipeError, match="no such file"):
        read_foreign_tokens(path)
    path.write_bytes(b"\xe9 0\n")
    with pytest.raises(RecipeError, match="not UTF-8"):
        read_foreign_tokens(path)
