"""Stage 8: log-probs once, then every decoder on them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from asr.atomic import remove, write_text
from asr.bin import decode_folder
from asr.bin.search import (
    OUTPUTS,
    choose_methods,
    drop_others,
    in_phones,
    method_options,
    search_signatures,
    write_refs,
    write_timed_texts,
)
from asr.data.shard_reader import ShardReader
from asr.decode.acoustic import Input, compute_log_probs
from asr.decode.log_probs import read_attributes
from asr.decode.matrix import run_method
from asr.decode.options import SearchOptions
from asr.fingerprint import fingerprint
from asr.job import Job
from asr.models.package import load_package
from asr.provenance import write_config
from asr.text.transcripts import read_transcripts


def run(job: Job) -> None:
    """Decode the corpus's test sets, or the folder named by ``--test-dir``.

    Raises:
        RecipeError: a decoder that was asked for cannot run here.
    """
    if job.test_dir is not None:
        decode_folder.run(job)
        return
    methods = choose_methods(job)
    options = method_options(job, methods)
    for name in job.decode_sets:
        folder = job.paths.decode_dir(name)
        refs = read_transcripts(job.paths.feature_cuts(name))
        write_refs(refs, folder / "ref")
        write_refs(in_phones(job, refs), folder / "ref_phones")
        compute_missing(job, name)
        run_methods(job, methods, folder, options)
        write_config(job.config, folder / "config.yaml")


def compute_missing(job: Job, name: str) -> Path:
    """Compute a set's ``log_probs.h5`` unless it is of this model and these features."""
    folder, index = job.paths.decode_dir(name), job.paths.feature_index(name)
    path = folder / "log_probs.h5"
    model, features = fingerprint(job.paths.averaged), fingerprint(index)
    wanted = {"model": model, "features": features}
    if path.is_file() and read_attributes(path) == wanted:
        print(f"{path}: already there", flush=True)
        return path
    for method in OUTPUTS:  # hypotheses of other log-probs must not be scored
        remove(folder / method)
    package, reader = load_package(job.paths.averaged), ShardReader(index)
    inputs = (Input(i, reader.read(i), reader.duration(i)) for i in reader.ids)
    seconds = compute_log_probs(package.model, inputs, path, wanted)
    print(f"{path}: acoustic model took {seconds:.1f} s", flush=True)
    return path


def run_methods(
    job: Job,
    methods: Sequence[str],
    folder: Path,
    options: Mapping[str, SearchOptions],
) -> None:
    """Run the decoders whose output is not there yet with the same options."""
    signatures = search_signatures(job, options)
    drop_others(folder, signatures)
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
            options=options[method],
        )
        write_text(done, signatures[method])
    write_timed_texts(job, methods, folder)
