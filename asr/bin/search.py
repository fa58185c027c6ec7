"""What stage 8 has in common for test sets, a user's folder, and rescoring."""

import dataclasses
from pathlib import Path

from asr.atomic import remove, write_text
from asr.config_load import read_yaml
from asr.data.fbank import FRAME_SHIFT
from asr.decode.methods import METHODS, REGISTRY, SearchOptions, unavailable
from asr.decode.options import checked, stated
from asr.errors import RecipeError
from asr.fingerprint import fingerprint
from asr.job import RESCORED, RESCORED_LISTS, Job
from asr.stage_files import graphs
from asr.text.units import has_phones, load_units

OUTPUTS = (*METHODS, RESCORED, RESCORED_LISTS)  # folders beside the log-probs


def choose_methods(job: Job) -> tuple[str, ...]:
    """The decoders of ``--decoders``, or all that this machine can run.

    Raises:
        RecipeError: one was asked for by name and cannot run.
    """
    reasons = {m: _why_not(m, job) for m in job.decoders or METHODS}
    for method, reason in reasons.items():
        if reason is not None and job.decoders:
            raise RecipeError(f"--decoders {method}: {reason}")
        if reason is not None and method not in _never_brought(job):
            print(f"{method} is left out: {reason}", flush=True)
    return tuple(method for method, reason in reasons.items() if reason is None)


def _never_brought(job: Job) -> tuple[str, ...]:
    """Decoders that a finished model never has what they need for."""
    return ("hlg-nbest", "hlg-lattice") if job.model_dir is not None else ()


def _why_not(method: str, job: Job) -> str | None:
    if job.model_dir is not None and REGISTRY[method].uses_lm and not has_lm(job):
        return "the model has no n-gram"
    return unavailable(method, job.lang)


def has_lm(job: Job) -> bool:
    """Whether there is an n-gram; some finished models come without."""
    return job.paths.arpa(job.config.lm.order).is_file()


def search_options(job: Job) -> SearchOptions:
    """What stage 7 has frozen, with the bounds that the configuration gives."""
    tuned = read_yaml(job.paths.decode_yaml)
    names = {field.name for field in dataclasses.fields(SearchOptions)}
    chosen = {name: value for name, value in tuned.items() if name in names}
    shift = job.config.model.subsampling * FRAME_SHIFT
    options = {**stated(dataclasses.asdict(job.config.decode)), "frame_shift": shift}
    return checked(SearchOptions(**chosen | options))


def search_signature(job: Job) -> str:
    """What the decoders' outputs depend on, beside the log-probs."""
    arpa = job.paths.arpa(job.config.lm.order)
    lm = fingerprint(arpa) if job.model_dir is None or has_lm(job) else "no n-gram"
    made = {path.name: fingerprint(path) for path in graphs(job)}
    return f"{search_options(job)} {lm} {made}\n"


def drop_others(folder: Path, signature: str) -> None:
    """Remove what other scales gave: it must not stand in the same table."""
    for name in OUTPUTS:
        done = folder / name / "signature"
        if not (done.is_file() and done.read_text(encoding="utf-8") == signature):
            remove(folder / name)


def write_refs(refs: dict[str, str], path: Path) -> None:
    """Write Kaldi ``text``; none at all if nothing is known."""
    if not refs:
        remove(path)
        return
    rows = sorted(refs.items(), key=lambda item: item[0].encode())
    write_text(path, "".join(f"{id_} {text}".rstrip() + "\n" for id_, text in rows))


def in_phones(job: Job, refs: dict[str, str]) -> dict[str, str]:
    """Transcripts in phones, for the decoders without lexicon; of other units none.

    Words have their usual pronunciation, or the one that their letters suggest.
    """
    if not has_phones(job.lang):
        return {}
    units = load_units(job.lang)
    # All at once: guessing pronunciations one by one would take long.
    units.spell({word for text in refs.values() for word in text.split()})
    return {id_: units.decode(units.encode(text)) for id_, text in refs.items()}
