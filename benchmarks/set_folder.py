"""A corpus's set as a user's folder: ``audio/`` and ``transcriptions/``.

    python -m benchmarks.set_folder data/mini_librispeech/manifests/test_cuts.jsonl.gz DIR

For ``--test-dir`` and for programs of other people. A cut that is all of its recording
becomes a link to its file, a part of one a FLAC file. ``--every N`` takes every N-th cut.
"""

import argparse
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import soundfile

from asr.atomic import atomic_path
from asr.data.audio import read_channels
from asr.data.user_names import plain_id
from asr.errors import RecipeError

SAME = 1e-3  # seconds by which a whole recording's cut may differ from it


def main() -> None:
    """Lay the folder out and say what is in it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cuts", type=Path, help="lhotse's cuts, .jsonl.gz")
    parser.add_argument("folder", type=Path, help="new")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    given = parser.parse_args()
    try:
        count, seconds = lay_out(given.cuts, given.folder, given.every)
    except RecipeError as error:
        raise SystemExit(f"error: {error}") from None
    print(f"{given.folder}: {count} utterances, {seconds:.0f} s")


def lay_out(cuts: Path, folder: Path, every: int = 1) -> tuple[int, float]:
    """Make the folder, whole or not at all; return its utterances and seconds.

    Raises:
        RecipeError: the folder is there already, or a cut cannot be laid out.
    """
    if folder.exists():
        raise RecipeError(f"{folder}: there already; name a new folder")
    count, seconds = 0, 0.0
    with atomic_path(folder) as partial:
        for name in ("audio", "transcriptions"):
            (partial / name).mkdir(parents=True)
        for cut in list(read_cuts(cuts))[::every]:
            add_audio(cut, partial / "audio")
            text = " ".join(part["text"] for part in cut["supervisions"])
            path = partial / "transcriptions" / f"{name_of(cut)}.txt"
            path.write_text(text + "\n", encoding="utf-8")
            count, seconds = count + 1, seconds + cut["duration"]
    return count, seconds


def read_cuts(path: Path) -> Iterator[dict[str, Any]]:
    """The cuts of a manifest as they are written; lhotse itself is not needed."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def name_of(cut: Mapping[str, Any]) -> str:
    """The id as a file's name."""
    return plain_id(str(cut["id"]).replace("/", "_"))


def add_audio(cut: Mapping[str, Any], folder: Path) -> None:
    """Link the cut's file, or write its part of it.

    Raises:
        RecipeError: it is not one file's one channel, or of changed speed.
    """
    recording = cut["recording"]
    sources = recording["sources"]
    single = len(sources) == 1 and sources[0]["type"] == "file"
    if not single or recording.get("transforms") or not isinstance(cut["channel"], int):
        raise RecipeError(f"cut {cut['id']}: not a plain part of one audio file")
    source = Path(sources[0]["source"]).resolve()
    alone = len(sources[0]["channels"]) == 1
    whole = cut["start"] == 0 and cut["duration"] >= recording["duration"] - SAME
    if alone and whole:
        (folder / f"{name_of(cut)}{source.suffix}").symlink_to(source)
        return
    rate = recording["sampling_rate"]
    first, size = round(cut["start"] * rate), round(cut["duration"] * rate)
    samples, _ = read_channels(source, first, size)
    column = sources[0]["channels"].index(cut["channel"])
    soundfile.write(folder / f"{name_of(cut)}.flac", samples[:, column], rate)


if __name__ == "__main__":
    main()
