"""Text to token ids and back: sentencepiece BPE or characters, CTC blank at 0."""

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import sentencepiece

from asr.atomic import atomic_path, write_text
from asr.errors import RecipeError

BLANK_ID = 0
BLANK = "<blk>"
UNK_ID = 1
UNK = "<unk>"
WORD_START = "▁"  # sentencepiece's mark before the first piece of every word


def join_pieces(pieces: Iterable[str], separator: str = "") -> str:
    """Text of a piece sequence; ``<unk>`` stays visible, blanks are left out."""
    joined = separator.join(piece for piece in pieces if piece != BLANK)
    return " ".join(joined.replace(WORD_START, " ").split())


class Tokenizer:
    """A trained sentencepiece model whose ids are used as they are (blank 0).

    Kudo and Richardson, "SentencePiece", EMNLP 2018; BPE after Sennrich et al.,
    ACL 2016. Every word starts with ``▁``, for characters too, and no piece
    crosses a word boundary, so a word is cut alone as it is in a sentence.
    """

    separator = ""  # between tokens of a text

    def __init__(self, model: bytes) -> None:
        self._model = sentencepiece.SentencePieceProcessor(model_proto=model)
        size = self._model.get_piece_size()
        self.tokens: list[str] = [self._model.id_to_piece(i) for i in range(size)]

    @property
    def vocab_size(self) -> int:
        """Number of tokens, blank and unknown included."""
        return len(self.tokens)

    def encode(self, text: str) -> list[int]:
        """Token ids of normalised text; characters never seen become ``UNK_ID``."""
        ids: list[int] = self._model.encode(text)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Text of token ids; the inverse of ``encode`` on text without unknowns."""
        return join_pieces(self.tokens[i] for i in ids)

    def spell(self, words: Iterable[str]) -> dict[str, tuple[tuple[int, ...], ...]]:
        """Of each word the one way it is cut; those with unseen characters left out."""
        cut = {word: tuple(self.encode(word)) for word in words}
        return {word: (ids,) for word, ids in cut.items() if UNK_ID not in ids}

    @classmethod
    def train(
        cls, texts: Iterable[str], out_dir: Path, kind: str, vocab_size: int
    ) -> "Tokenizer":
        """Train on normalised texts; write ``sp.model`` and ``tokens.txt``.

        ``kind`` is ``bpe`` or ``char``. Characters take as many tokens as there
        are, whatever ``vocab_size``; BPE on a text too small for ``vocab_size``
        takes the largest size possible and prints that. Raises RecipeError on an
        unknown kind, an empty text, or a BPE size below the number of characters.
        """
        lines = [line for line in (" ".join(text.split()) for text in texts) if line]
        if not lines:
            raise RecipeError("tokenizer: no training text: check the train manifest")
        tokenizer = cls(_train_model(lines, kind, vocab_size))
        if tokenizer.tokens[: UNK_ID + 1] != [BLANK, UNK]:
            raise RuntimeError(f"sentencepiece moved the blank: {tokenizer.tokens[:2]}")
        with atomic_path(out_dir / "sp.model") as partial:
            partial.write_bytes(tokenizer._model.serialized_model_proto())
        write_tokens(tokenizer.tokens, out_dir / "tokens.txt")
        return tokenizer

    @classmethod
    def load(cls, lang_dir: Path) -> "Tokenizer":
        """Read ``sp.model``; RecipeError if it is missing or disagrees with tokens."""
        model = lang_dir / "sp.model"
        if not model.is_file():
            raise RecipeError(f"{model} is missing: run the tokenizer stage (3) first")
        try:
            tokenizer = cls(model.read_bytes())
        except RuntimeError as error:
            raise RecipeError(
                f"{model} is not a sentencepiece model: {error}"
            ) from None
        if read_tokens(lang_dir / "tokens.txt") != tokenizer.tokens:
            raise RecipeError(f"{lang_dir}: tokens.txt is not sp.model's: redo stage 3")
        return tokenizer


def write_tokens(tokens: Iterable[str], path: Path) -> None:
    """Write ``token id`` lines."""
    write_text(path, "".join(f"{token} {i}\n" for i, token in enumerate(tokens)))


def read_tokens(path: Path) -> list[str]:
    """Read ``token id`` lines; ids must be 0, 1, 2, ... in order."""
    if not path.is_file():
        raise RecipeError(f"{path} is missing: run the tokenizer stage (3) first")
    tokens: list[str] = []
    # Not splitlines: a token may be one of Unicode's line separators.
    for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n"):
        token, _, index = line.rpartition(" ")
        if not token or index != str(len(tokens)):
            raise RecipeError(
                f"{path}, line {len(tokens) + 1}: not 'token id': {line!r}; delete the "
                "file and redo stage 3 (tokenizer)"
            )
        tokens.append(token)
    return tokens


def _train_model(lines: Sequence[str], kind: str, vocab_size: int) -> bytes:
    """Train; where sentencepiece says the size is too high, take its largest."""
    if kind not in ("bpe", "char"):
        raise RecipeError(f"tokenizer.kind is {kind!r}: choose bpe, char or phone")
    characters = len(set("".join(lines)) - {" "}) + 3  # blank, unknown, ▁
    if kind == "char":
        return _sentencepiece(lines, kind, characters)
    if vocab_size < characters:
        raise RecipeError(
            f"tokenizer.vocab_size {vocab_size} is below the {characters} that the "
            "text's characters, <blk>, <unk> and ▁ need: raise it or use kind char"
        )
    try:
        return _sentencepiece(lines, kind, vocab_size)
    except RuntimeError as error:
        largest = re.search(r"too high .* value <= (\d+)", str(error))
        if largest is None:
            raise
    print(f"vocab_size {vocab_size} is too high for this text: {largest[1]} taken")
    return _sentencepiece(lines, kind, int(largest[1]))


def _sentencepiece(lines: Sequence[str], kind: str, vocab_size: int) -> bytes:
    model = io.BytesIO()  # in memory: a file's name would be stored in the model
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type=kind,
        vocab_size=vocab_size,
        character_coverage=1.0,
        normalization_rule_name="identity",
        pad_id=BLANK_ID,
        pad_piece=BLANK,
        unk_id=UNK_ID,
        unk_piece=UNK,
        bos_id=-1,
        eos_id=-1,
        max_sentence_length=1 << 20,  # longer lines are left out without a word
        num_threads=1,
        minloglevel=2,
    )
    return model.getvalue()
