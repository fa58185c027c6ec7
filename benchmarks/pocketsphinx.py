"""PocketSphinx 5 beside the recipe, on a folder of audio: errors, time and memory.

    pip install --no-deps -r benchmarks/requirements-pocketsphinx.txt
    python -m benchmarks.pocketsphinx mydata [--model-dir DIR] [--decoders "beam-lm hlg"]

What one gets with one ``pip install`` and no network against a finished model of the
recipe (default: the bundled one) with each of its decoders. The folder is one for
``--test-dir``: ``audio/`` and ``transcriptions/``; ``benchmarks.set_folder`` makes one of
a corpus's set. All of them recognise the same files, file by file in turn, each in a
process of its own on one thread of one core. RTF is all from file to text: reading,
resampling, features, acoustic model and search; imports and loading are ``start``.
References and hypotheses are normalised by the model's rule and counted by the recipe.

``--sphinx "lw=8 beam=1e-60"`` adds a row of PocketSphinx with other options than its own
(to be chosen on a dev set), ``--every N`` takes every N-th file.
"""

import argparse
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from asr.atomic import write_text
from asr.errors import RecipeError
from benchmarks.competitors import PEER, files_of, job_of, recipe_loads, sphinx_loads
from benchmarks.taking_turns import Heard, take_turns

if TYPE_CHECKING:  # the processes of the competitors import this file too
    from asr.data.user_folder import UserFile


def main() -> None:
    """Run all and print the table."""
    given = build_parser().parse_args()
    with tempfile.TemporaryDirectory() as home:
        try:
            compare(given, Path(home))
        except RecipeError as error:
            raise SystemExit(f"error: {error}") from None


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", help="with audio/ and transcriptions/")
    parser.add_argument("--model-dir", help="default: the bundled one")
    parser.add_argument("--decoders", default="", help="default: all that can run")
    parser.add_argument("--sphinx", action="append", default=[], metavar="OPTIONS")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="folder for the texts")
    return parser


def compare(given: argparse.Namespace, home: Path) -> None:
    """Let them take turns and print the table.

    Raises:
        RecipeError: no audio, no model, a decoder that cannot run, no PocketSphinx.
    """
    from asr.data.audio import audio_size
    from asr.text.normalize import get_rule
    from benchmarks.turns_table import table

    job = job_of(given.folder, given.model_dir, given.decoders, home)
    files = files_of(job, given.every)
    loads = {**sphinx_loads(given.sphinx), **recipe_loads(job)}
    heard = take_turns(loads, [str(file.path) for file in files], given.rounds)
    audio = sum(size / rate for size, rate in (audio_size(f.path) for f in files))
    refs = {str(file.path): file.text for file in files if file.text is not None}
    rule = job.config.corpus.normalize
    print(
        f"\n{PEER} {metadata.version('pocketsphinx')}; {len(files)} files, {audio:.0f} s, "
        f"{len(refs)} with transcripts, {sum(len(r.split()) for r in refs.values())} "
        f"words; rule '{rule}'; {given.rounds} rounds\n"
    )
    print(table(heard, refs, audio, get_rule(rule)))
    for name, found in heard.items():
        if found.unsteady:
            print(f"{name}: another text in a later round: {len(found.unsteady)} files")
        if given.out is not None:
            write(given.out / name.replace(", ", "-").replace(" ", "_"), files, found)


def write(folder: Path, files: Sequence["UserFile"], heard: Heard) -> None:
    """What was recognised, in Kaldi's form."""
    lines = [f"{f.id} {heard.texts[str(f.path)]}".rstrip() + "\n" for f in files]
    write_text(folder / "text", "".join(lines))


if __name__ == "__main__":
    main()
