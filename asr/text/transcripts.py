"""Transcripts and speakers of a split, read from its cuts without loading lhotse."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asr.errors import RecipeError


def read_transcripts(cuts: Path) -> dict[str, str]:
    """Text by utterance id, in the order of a ``*_cuts.jsonl.gz`` file.

    Cuts without text are left out. Raises RecipeError if the file is missing or
    damaged.
    """
    texts: dict[str, str] = {}
    for id_, supervisions in _supervisions(cuts):
        segments = [s["text"] for s in supervisions if s.get("text")]
        if segments:
            texts[id_] = " ".join(segments)
    return texts


def read_speakers(cuts: Path) -> dict[str, str]:
    """Speaker by utterance id, as ``read_transcripts``; unknown ones are left out."""
    speakers: dict[str, str] = {}
    for id_, supervisions in _supervisions(cuts):
        names = {str(s["speaker"]) for s in supervisions if s.get("speaker")}
        if len(names) == 1:
            speakers[id_] = "_".join(names.pop().split())
    return speakers


def read_lines(cuts: Path) -> Iterator[dict[str, Any]]:
    """Every cut of a file, as it is written there.

    Raises:
        RecipeError: the file is missing or damaged.
    """
    try:
        with gzip.open(cuts, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    except FileNotFoundError:
        raise RecipeError(f"{cuts} is missing: run the manifests stage (1)") from None
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise RecipeError(f"{cuts} is damaged ({error!r}): redo stage 1") from error


def _supervisions(cuts: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for cut in read_lines(cuts):
        try:
            yield cut["id"], cut["supervisions"]
        except (KeyError, TypeError) as error:
            raise RecipeError(f"{cuts} is damaged ({error!r}): redo stage 1") from error
