"""What ``benchmarks.pocketsphinx`` compares, and on which files."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from asr.errors import RecipeError
from benchmarks.recognisers import load_recipe, load_sphinx
from benchmarks.worker import Load

if TYPE_CHECKING:  # the processes of the competitors import this file too
    from asr.data.user_folder import UserFile
    from asr.job import Job

PEER = "PocketSphinx"


def job_of(folder: str, model_dir: str | None, decoders: str, home: Path) -> "Job":
    """The work order of ``--stage 8 --test-dir``, with the model installed in ``home``."""
    from asr.bin.install_model import install
    from asr.options import build_parser, make_job

    words = ["decode", "--test-dir", folder, "--exp-dir", str(home)]
    words += ["--decoders", decoders]
    words += ["--model-dir", model_dir] if model_dir else []
    job = make_job(build_parser(["decode"]).parse_args(words), 8)
    install(job)
    return job


def files_of(job: "Job", every: int) -> list["UserFile"]:
    """The audio that both can read; what is left out is named."""
    from asr.data.sound_file import look_at
    from asr.data.user_folder import load_user_folder
    from asr.text.normalize import get_rule

    assert job.test_dir is not None
    user = load_user_folder(job.test_dir, get_rule(job.config.corpus.normalize))
    left_out = dict(user.failures)
    files = []
    for file in user.files[::every]:
        if not look_at(file.path).in_place:
            left_out[file.place] = "libsndfile does not read all of it"
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
