"""``nbest.jsonl``: a line for each utterance with its hypotheses, best first."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.errors import RecipeError

Row = Mapping[str, Any]  # a hypothesis of nbest.jsonl


@dataclass(frozen=True)
class NBest:
    """One utterance's hypotheses, as a search has left them.

    Attributes:
        id: of the utterance.
        rows: its hypotheses, best first, with all that ``nbest.jsonl`` says of them.
        failed: the search found nothing.
    """

    id: str
    rows: tuple[Row, ...]
    failed: bool = False

    @property
    def texts(self) -> list[str]:
        return [str(row["text"]) for row in self.rows]


def read_nbest(path: Path, most: int | None = None) -> list[NBest]:
    """Read ``nbest.jsonl``, up to ``most`` hypotheses of an utterance.

    Raises:
        RecipeError: no such file, or not such lines.
    """
    if not path.is_file():
        raise RecipeError(f"{path}: not found; run stage 8 (decode) first")
    found = []
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            content = json.loads(line)
            rows = tuple(content["nbest"])[:most]
            _ = [(row["text"], row["score"], row["am_score"]) for row in rows]
            found.append(NBest(str(content["id"]), rows, "failed" in content))
        except (ValueError, KeyError, TypeError) as error:
            raise RecipeError(
                f"{path}, line {number} is damaged: run stage 8 (decode) again"
            ) from error
    return found


def ctm_text(nbests: Sequence[NBest]) -> str:
    """``ctm`` of the best hypotheses, as ``asr.decode.decoded`` writes it."""
    return "".join(
        f"{n.id} 1 {word['start']:.3f} {word['end'] - word['start']:.3f} "
        f"{word['word']} {word['confidence']:.3f}\n"
        for n in nbests
        for word in n.rows[0].get("words", [])
    )


def nbest_text(nbests: Sequence[NBest]) -> str:
    """The lines of ``nbest.jsonl``."""
    lines = []
    for nbest in nbests:
        line: dict[str, Any] = {"id": nbest.id, "nbest": list(nbest.rows)}
        if nbest.failed:
            line["failed"] = True
        lines.append(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
    return "".join(lines)
