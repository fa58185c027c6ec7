"""A few training recordings to listen to, beside their augmented copies."""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import soundfile

from asr.atomic import atomic_path, write_text
from asr.errors import RecipeError

HEADER = ("file", "id", "text")


def write_audio_examples(
    cuts: Path,
    texts: Mapping[str, str],
    originals: Mapping[str, str],
    folder: Path,
    *,
    number: int,
    seed: int,
    sample_rate: int,
) -> None:
    """Write up to ``number`` random recordings, and all copies made of them, as WAV.

    Files are ``K-original.wav`` and ``K-<suffix>.wav``; ``index.tsv`` names their
    utterances. Where the audio is no longer there, prints so and writes nothing.

    Args:
        cuts: with features, of the training set.
        texts: by utterance id, the copies' included.
        originals: of each copy the id of the utterance that it is of.
        folder: gets its name when it is whole.
    """
    if number == 0:
        return
    family = families(texts, originals)
    names = sorted(family)
    rng = np.random.default_rng(seed)
    size = min(number, len(names))
    chosen = rng.choice(len(names), size=size, replace=False)
    files = {
        id_: f"{k}-{_suffix(names[i], id_)}.wav"
        for k, i in enumerate(chosen, start=1)
        for id_ in family[names[i]]
    }
    try:
        with atomic_path(folder) as partial:
            partial.mkdir()
            _write_files(_lines_of(cuts, files), files, partial, sample_rate)
            rows = [HEADER, *((files[id_], id_, texts[id_]) for id_ in files)]
            table = "".join("\t".join(row) + "\n" for row in rows)
            write_text(partial / "index.tsv", table)
    except RecipeError as error:
        print(f"log: no audio examples, because {error}", flush=True)


def families(
    texts: Mapping[str, str], originals: Mapping[str, str]
) -> dict[str, list[str]]:
    """Every original's id, with its own and its copies' ids."""
    family: dict[str, list[str]] = {}
    for id_ in sorted(texts, key=lambda id_: (len(id_), id_)):
        family.setdefault(originals.get(id_, id_), []).append(id_)
    return family


def _suffix(original: str, id_: str) -> str:
    """What a copy's id adds, fit for a file's name."""
    rest = id_[len(original) :].strip("_-")
    return re.sub(r"[^A-Za-z0-9.+-]", "_", rest) or "original"


def _lines_of(cuts: Path, ids: Mapping[str, str]) -> Iterator[str]:
    """The lines of a manifest that hold one of ``ids``."""
    # A look at the beginning spares parsing a million of them.
    heads = tuple(f'{{"id": {json.dumps(id_, ensure_ascii=False)},' for id_ in ids)
    with gzip.open(cuts, "rt", encoding="utf-8") as file:
        yield from (line for line in file if line.startswith(heads))


def _write_files(
    lines: Iterator[str], files: Mapping[str, str], folder: Path, sample_rate: int
) -> None:
    from lhotse.serialization import deserialize_item

    from asr.data.fbank import load_cut

    for line in lines:
        cut = deserialize_item(json.loads(line))
        samples = load_cut(cut, sample_rate)
        loud = np.clip(samples, -1.0, 1.0)
        soundfile.write(str(folder / files[cut.id]), loud, sample_rate, "PCM_16")
