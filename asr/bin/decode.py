"""Stage 8: log-probs once, then every decoder on them."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from asr.atomic import remove, write_text
from asr.config_load import read_yaml
from asr.data.shard_reader import ShardReader
from asr.decode.acoustic import Input, compute_log_probs
from asr.decode.log_probs import read_attributes
from asr.decode.matrix import run_method
from asr.decode.methods import METHODS, REGISTRY, SearchOptions, unavailable
from asr.errors import RecipeError
from asr.fingerprint import fingerprint
from asr.job import RESCORED, RESCORED_LISTS, Job
from asr.models.package import load_package
from asr.provenance import write_config
from asr.text.transcripts import read_transcripts

Inputs = Iterator[Input]
OUTPUTS = (*METHODS, RESCORED, RESCORED_LISTS)  # folders beside the log-probs


def run(job: Job) -> None:
    """Decode the corpus's test sets, or the folder named by ``--test-dir``.

    Raises:
        RecipeError: a decoder that was asked for cannot run here.
    """
    if job.test_dir is not None:
        from asr.bin import decode_folder

        decode_folder.run(job)
        return
    methods = choose_methods(job)
    for name in job.decode_sets:
        folder = job.paths.decode_dir(name)
        write_refs(read_transcripts(job.paths.feature_cuts(name)), folder / "ref")
        signature = fingerprint(job.paths.feature_index(name))
        _log_probs(job, _corpus_inputs(job, name), signature, folder)
        run_methods(job, methods, folder)
        write_config(job.config, folder / "config.yaml")


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
    """The configured bounds with the scales that stage 7 has frozen."""
    tuned = read_yaml(job.paths.decode_yaml)
    names = {field.name for field in dataclasses.fields(SearchOptions)}
    scales = {name: value for name, value in tuned.items() if name in names}
    return SearchOptions(**dataclasses.asdict(job.config.decode) | scales)


def search_signature(job: Job) -> str:
    """What the decoders' outputs depend on, beside the log-probs."""
    arpa = job.paths.arpa(job.config.lm.order)
    lm = fingerprint(arpa) if job.model_dir is None or has_lm(job) else "no n-gram"
    return f"{search_options(job)} {lm}\n"


def _log_probs(job: Job, inputs: Inputs, signature: str, folder: Path) -> None:
    """Compute ``log_probs.h5`` unless it is of this model and these features."""
    path = folder / "log_probs.h5"
    wanted = {"model": fingerprint(job.paths.averaged), "features": signature}
    if path.is_file() and read_attributes(path) == wanted:
        print(f"{path}: already there", flush=True)
        return
    for name in OUTPUTS:  # hypotheses of other log-probs must not be scored
        remove(folder / name)
    model = load_package(job.paths.averaged).model
    seconds = compute_log_probs(model, inputs, path, wanted)
    print(f"{path}: acoustic model took {seconds:.1f} s", flush=True)


def run_methods(job: Job, methods: tuple[str, ...], folder: Path) -> None:
    """Run the decoders whose output is not there yet with the same options."""
    options, signature = search_options(job), search_signature(job)
    drop_others(folder, signature)
    for method in methods:
        done = folder / method / "signature"
        if done.is_file():
            print(f"{method}: already there", flush=True)
            continue
        run_method(
            method,
            folder / "log_probs.h5",
            folder / method,
            lang_dir=job.lang,
            lm=job.lm_file,
            options=options,
        )
        write_text(done, signature)


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


def _corpus_inputs(job: Job, name: str) -> Inputs:
    reader = ShardReader(job.paths.feature_index(name))
    for id_ in reader.ids:
        yield Input(id_, reader.read(id_), reader.duration(id_))
