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
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from asr.atomic import write_text
from asr.errors import RecipeError
from benchmarks.recognisers import load_recipe, load_sphinx
from benchmarks.taking_turns import Heard, Load, take_turns

if TYPE_CHECKING:  # the processes of the competitors import this file too
    from asr.data.user_folder import UserFile
    from asr.job import Job

PEER = "PocketSphinx"


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

    job = job_of(given, home)
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
            write(given.out / "_".join(name.split()), files, found)


def job_of(given: argparse.Namespace, home: Path) -> "Job":
    """The work order of ``--stage 8 --test-dir``, with the model installed in ``home``."""
    from asr.__main__ import build_parser, make_job
    from asr.bin.install_model import install

    words = ["decode", "--test-dir", given.folder, "--exp-dir", str(home)]
    words += ["--decoders", given.decoders]
    words += ["--model-dir", given.model_dir] if given.model_dir else []
    job = make_job(build_parser(["decode"]).parse_args(words), 8)
    install(job)
    return job


def files_of(job: "Job", every: int) -> list["UserFile"]:
    """The audio that both can read; what is left out is named."""
    from asr.data import ffmpeg
    from asr.data.user_folder import load_user_folder
    from asr.text.normalize import get_rule

    assert job.test_dir is not None
    user = load_user_folder(job.test_dir, get_rule(job.config.corpus.normalize))
    left_out = dict(user.failures)
    files = []
    for file in user.files[::every]:
        if file.path.suffix.lower() in ffmpeg.SUFFIXES:
            left_out[file.place] = "needs ffmpeg"
        else:
            files.append(file)
    for place, reason in left_out.items():
        print(f"left out: {place}: {reason}", flush=True)
    if not files:
        raise RecipeError(f"{job.test_dir}: no file that both can read")
    return files


def sphinx_loads(settings: Sequence[str]) -> dict[str, Load]:
    """With its defaults, and with each of other settings (``name=value ...``)."""
    loads: dict[str, Load] = {PEER: partial(load_sphinx, {})}
    for words in settings:
        pairs = [word.partition("=") for word in words.split()]
        if not all(name and value for name, _, value in pairs):
            raise RecipeError(f"--sphinx {words!r}: not 'name=value ...'")
        options = {name: value for name, _, value in pairs}
        loads[f"{PEER}, {words}"] = partial(load_sphinx, options)
    return loads


def recipe_loads(job: "Job") -> dict[str, Load]:
    """The decoders that give words, as stage 8 would run them."""
    from asr.bin.decode_folder import hearing_of
    from asr.bin.search import choose_methods, has_lm, search_options
    from asr.job import WITHOUT_LEXICON
    from asr.text.units import has_phones

    lm = job.lm_file if has_lm(job) else None
    shared = (job.lang, lm, search_options(job), hearing_of(job))
    wordless = WITHOUT_LEXICON if has_phones(job.lang) else ()
    return {
        f"recipe, {method}": partial(load_recipe, method, job.paths.averaged, *shared)
        for method in choose_methods(job)
        if method not in wordless
    }


def write(folder: Path, files: Sequence["UserFile"], heard: Heard) -> None:
    """What was recognised, in Kaldi's form."""
    lines = [f"{f.id} {heard.texts[str(f.path)]}".rstrip() + "\n" for f in files]
    write_text(folder / "text", "".join(lines))


if __name__ == "__main__":
    main()
