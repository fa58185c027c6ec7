"""The embedded corpus: text, voices and noise are drawn with a seed, then spoken.

The same options give the same files, byte for byte, in any order and by any number
of processes: a sound file depends on its own line of the plan alone.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from asr.atomic import remove, write_text
from asr.data.espeak import espeak
from asr.data.pool import run_in_processes
from asr.data.synth_plan import Line, SynthSettings, plan
from asr.data.synth_speech import speak_chunk
from asr.errors import RecipeError
from asr.progress import LineTimer

CHUNK = 20  # utterances given to a process at a time


def generate(folder: Path, settings: SynthSettings, nj: int) -> None:
    """Write ``folder/<split>.tsv`` (id, speaker, file, text) and the sound files.

    Files of an interrupted run with the same options are kept; those of other
    options are removed.

    Raises:
        RecipeError: ``folder`` holds what is not of this corpus.
    """
    lines = plan(settings)
    digest = _digest(lines, settings)
    if _holds(folder / ".complete", digest):
        print(f"{folder}: already there", flush=True)
        return
    if not _holds(folder / ".plan", digest):
        _clear(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / ".plan", digest + "\n")
    for split in settings.sizes:
        _write_transcripts(lines, split, folder)
    todo = [line for line in lines if not (folder / line.file).exists()]
    _speak_all(todo, folder, settings, nj)
    write_text(folder / ".complete", digest + "\n")


def _clear(folder: Path) -> None:
    """Remove a corpus of other options; ``.plan``, which tells it is ours, stays."""
    inside = list(folder.iterdir()) if folder.is_dir() else []
    if not inside:
        return
    if not (folder / ".plan").is_file():
        raise RecipeError(
            f"{folder}: is there, and not the embedded corpus (no .plan in it); move it "
            "away, or name another --download-dir"
        )
    print(f"{folder}: of other corpus.options; removed and spoken anew", flush=True)
    remove(folder / ".complete")  # first: from here on the old one is not whole
    for path in inside:
        if path.name not in (".plan", ".complete"):
            remove(path)


def _speak_all(
    lines: Sequence[Line], folder: Path, settings: SynthSettings, nj: int
) -> None:
    if not lines:
        return
    chunks = [lines[i : i + CHUNK] for i in range(0, len(lines), CHUNK)]
    tasks = [(chunk, folder, settings) for chunk in chunks]
    timer = LineTimer()
    done = 0
    for _, count in run_in_processes("synth", speak_chunk, tasks, min(nj, len(tasks))):
        done += count
        if timer.due() or done == len(lines):
            print(
                f"synth: {done} of {len(lines)} utterances spoken, "
                f"{timer.seconds:.0f} s",
                flush=True,
            )


def _write_transcripts(lines: Sequence[Line], split: str, folder: Path) -> None:
    rows = [
        f"{line.id}\t{line.speaker.id}\t{line.file}\t{line.text}"
        for line in lines
        if line.split == split
    ]
    write_text(folder / f"{split}.tsv", "\n".join(rows) + "\n")


def _digest(lines: Sequence[Line], settings: SynthSettings) -> str:
    content = [espeak().version, asdict(settings), [asdict(line) for line in lines]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _holds(path: Path, content: str) -> bool:
    return path.is_file() and path.read_text().strip() == content
