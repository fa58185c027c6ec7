"""Stage 8: log-probs once, then every decoder on them."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from asr.atomic import atomic_path, remove, write_text
from asr.config_load import read_yaml
from asr.data.audio import AudioError
from asr.data.fbank import FRAME_SHIFT
from asr.data.shard_reader import ShardReader
from asr.data.user_folder import UserUtterance, extract, load_user_folder
from asr.decode.acoustic import Input, compute_log_probs
from asr.decode.log_probs import read_attributes
from asr.decode.matrix import run_method
from asr.decode.methods import METHODS, SearchOptions, unavailable
from asr.errors import RecipeError
from asr.fingerprint import fingerprint
from asr.job import RESCORED, RESCORED_LISTS, Job
from asr.models.package import load_package
from asr.owner import claim
from asr.provenance import write_config
from asr.score.transcripts import read_texts
from asr.text.normalize import get_rule
from asr.text.transcripts import read_transcripts

Inputs = Iterator[Input]
OUTPUTS = (*METHODS, RESCORED, RESCORED_LISTS)  # folders beside the log-probs


def run(job: Job) -> None:
    """Decode the corpus's test sets, or the folder named by ``--test-dir``.

    Raises:
        RecipeError: a decoder that was asked for cannot run here; or some of the
            user's files could not be read (the others are decoded first).
    """
    methods = choose_methods(job)
    claim(job)
    failures: dict[str, str] = {}
    for name in job.decode_sets:
        folder = job.paths.decode_dir(name)
        if job.test_dir is None:
            refs = read_transcripts(job.paths.feature_cuts(name))
            signature = fingerprint(job.paths.feature_index(name))
            inputs = _corpus_inputs(job, name)
        else:
            user = load_user_folder(job.test_dir, get_rule(job.config.corpus.normalize))
            failures |= user.failures
            refs = {u.id: u.text for u in user.utterances if u.text is not None}
            signature = _user_signature(user.utterances)
            inputs = _user_inputs(job, user.utterances, failures)
        _write_refs(refs, folder / "ref")
        _log_probs(job, inputs, signature, folder)
        run_methods(job, methods, folder)
        write_config(job.config, folder / "config.yaml")
    if failures:
        for problem in failures.values():
            print(f"not decoded: {problem}", flush=True)
        raise RecipeError(
            f"{len(failures)} files of {job.test_dir} could not be used (named above); "
            "all others are decoded"
        )


def choose_methods(job: Job) -> tuple[str, ...]:
    """The decoders of ``--decoders``, or all that this machine can run.

    Raises:
        RecipeError: one was asked for by name and cannot run.
    """
    reasons = {m: unavailable(m, job.lang) for m in job.decoders or METHODS}
    for method, reason in reasons.items():
        if reason is not None and job.decoders:
            raise RecipeError(f"--decoders {method}: {reason}")
        if reason is not None:
            print(f"{method} is left out: {reason}", flush=True)
    return tuple(method for method, reason in reasons.items() if reason is None)


def search_options(job: Job) -> SearchOptions:
    """The configured bounds with the scales that stage 7 has frozen."""
    tuned = read_yaml(job.paths.decode_yaml)
    names = {field.name for field in dataclasses.fields(SearchOptions)}
    scales = {name: value for name, value in tuned.items() if name in names}
    shift = job.config.model.subsampling * FRAME_SHIFT
    options = {**dataclasses.asdict(job.config.decode), "frame_shift": shift}
    return SearchOptions(**options | scales)


def search_signature(job: Job) -> str:
    """What the decoders' outputs depend on, beside the log-probs."""
    lm = fingerprint(job.paths.arpa(job.config.lm.order))
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
    for name in OUTPUTS:  # what other scales gave must not stand in the same table
        done = folder / name / "signature"
        if not (done.is_file() and done.read_text(encoding="utf-8") == signature):
            remove(folder / name)
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
        if job.test_dir is not None:
            _write_predictions(folder / method)
        write_text(done, signature)


def _write_predictions(folder: Path) -> None:
    """One ``<utt-id>.txt`` an utterance, as the user's folder has it."""
    with atomic_path(folder / "predictions") as partial:
        partial.mkdir()
        for id_, text in read_texts(folder / "text").items():
            (partial / f"{id_}.txt").write_text(text + "\n", encoding="utf-8")


def _write_refs(refs: dict[str, str], path: Path) -> None:
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


def _user_inputs(
    job: Job, utterances: tuple[UserUtterance, ...], failures: dict[str, str]
) -> Inputs:
    """Features made on the spot; a file that turns out damaged joins the failures."""
    fbank = job.config.fbank
    for utterance in utterances:
        try:
            features = extract(utterance, fbank.sample_rate, fbank.num_mel_bins)
        except AudioError as error:
            failures[utterance.id] = str(error)
            continue
        yield Input(utterance.id, features, len(features) / 100)


def _user_signature(utterances: tuple[UserUtterance, ...]) -> str:
    stats = [(u.id, u.audio.stat()) for u in utterances]
    return repr([(id_, stat.st_size, stat.st_mtime_ns) for id_, stat in stats])
