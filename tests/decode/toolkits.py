"""Files as other toolkits' models would give them: tokens.txt and log-probs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

LETTERS = "ENO"
WORDS = ["NEON", "NO", "ON", "ONE"]
REFS = {"b-1": "NO ONE", "a-2": "ON NEON NO", "a-10": "ONE", "spk/c": "NEON"}
DEV = {"d-1": "ONE NO", "d-2": "NEON ON", "d-3": "NO NO ONE"}


@dataclass(frozen=True)
class Toolkit:
    """How one of them writes things.

    Attributes:
        tokens: by id; the model may have one more column, the blank.
        blank: its column.
        space: the token between words; None: pieces with ``▁``.
        dtype: of the log-probs.
        last_space: the space also ends the last word.
    """

    tokens: tuple[str, ...]
    blank: int
    space: str | None
    dtype: str = "float32"
    extra: tuple[str, ...] = ()  # lines of tokens.txt that are no outputs
    last_space: bool = False

    @property
    def width(self) -> int:
        return max(len(self.tokens), self.blank + 1)

    def spell(self, text: str) -> list[int]:
        if self.space is None:
            pieces = [p for word in text.split() for p in self._cut("▁" + word)]
        else:
            pieces = [*text.replace(" ", "\0"), *("\0" if self.last_space else "")]
        names = [self.space if p == "\0" else p for p in pieces]
        return [self.tokens.index(name) for name in names if name is not None]

    def _cut(self, word: str) -> list[str]:
        """As these merges of BPE do: ``▁NO``, ``▁ON E``, ``▁N E O N``."""
        size = 3 if word[:3] in self.tokens else 2
        return [word[:size], *word[size:]]


PIECES = ("▁N", "▁O", "▁NO", "▁ON", "▁", "O", "N", "E")
TOOLKITS = {
    "nemo": Toolkit(("<unk>", *PIECES), 9, None),
    "nemo-char": Toolkit((" ", *LETTERS, "'", "<blk>"), 5, " "),
    "huggingface": Toolkit(
        ("<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS), 0, "|", last_space=True
    ),
    "icefall": Toolkit(
        ("<blk>", "<sos/eos>", "<unk>", *PIECES), 0, None, "float16", ("#0", "#1")
    ),
    "espnet": Toolkit(
        ("<blank>", "<unk>", "<space>", *LETTERS, "<sos/eos>"), 0, "<space>", "float16"
    ),
}


def matrix(kit: Toolkit, ids: Sequence[int], noise: np.random.Generator) -> np.ndarray:
    """Two frames a token and a blank, with some noise, normalised."""
    frames = [k for i in ids for k in (i, i, kit.blank)]
    logits = noise.normal(size=(len(frames), kit.width)) * 0.5
    logits[range(len(frames)), frames] += 5.0
    norm = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return np.asarray(logits - norm)


def write_files(kit: Toolkit, texts: dict[str, str], folder: Path) -> dict[str, Path]:
    """``tokens.txt``, ``log_probs.h5`` and ``text``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / name for name in ("tokens.txt", "log_probs.h5", "text")}
    lines = enumerate((*kit.tokens, *kit.extra))
    paths["tokens.txt"].write_text("".join(f"{t} {i}\n" for i, t in lines))
    paths["text"].write_text("".join(f"{i} {text}\n" for i, text in texts.items()))
    noise = np.random.default_rng(1)
    with h5py.File(paths["log_probs.h5"], "w") as file:
        for id_, text in texts.items():
            rows = matrix(kit, kit.spell(text), noise)
            file.create_dataset(id_, data=rows.astype(kit.dtype))
    return paths
