"""Transcripts of a split, read from its cuts without loading lhotse."""

import gzip
import json
from pathlib import Path

from asr.errors import RecipeError


def read_transcripts(cuts: Path) -> dict[str, str]:
    """Text by utterance id, in the order of a ``*_cuts.jsonl.gz`` file.

    Cuts without text are left out. Raises RecipeError if the file is missing or
    damaged.
    """
    texts: dict[str, str] = {}
    try:
        with gzip.open(cuts, "rt", encoding="utf-8") as lines:
            for cut in map(json.loads, lines):
                segments = [s["text"] for s in cut["supervisions"] if s.get("text")]
                if segments:
                    texts[cut["id"]] = " ".join(segments)
    except FileNotFoundError:
        raise RecipeError(f"{cuts} is missing: run the manifests stage (1)") from None
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise RecipeError(f"{cuts} is damaged ({error!r}): redo stage 1") from error
    return texts
