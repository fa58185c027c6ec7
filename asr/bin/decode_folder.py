"""Stage 8 with ``--test-dir``: the user's own recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from asr.atomic import remove
from asr.bin.install_model import install
from asr.bin.search import (
    OUTPUTS,
    choose_methods,
    drop_others,
    has_lm,
    in_phones,
    method_options,
    search_signatures,
    write_refs,
    write_timed_texts,
)
from asr.data.user_folder import UserFile, UserFolder, load_user_folder
from asr.data.user_names import shown
from asr.decode.decoded import Decoded
from asr.decode.kept import done_keys, write_kept
from asr.decode.matrix import decode_in_child
from asr.decode.options import SearchOptions
from asr.decode.recordings import Hearing, holds, same_hearing, write_recordings
from asr.decode.vocabulary import Vocabulary
from asr.failures import write_failures
from asr.fingerprint import fingerprint
from asr.job import RESCORED, RESCORED_LISTS, Job
from asr.models.package import load_package
from asr.owner import claim
from asr.provenance import write_config
from asr.text.normalize import DESCRIPTIONS, get_rule
from asr.text.units import separator


def run(job: Job) -> None:
    """Decode what is new in the user's folder; note what cannot be used.

    Raises:
        RecipeError: a decoder that was asked for cannot run here, or no audio at all.
    """
    assert job.test_dir is not None
    if job.model_dir is not None:
        install(job)
    methods = choose_methods(job)
    options = method_options(job, methods)
    claim(job)
    if job.model_dir is None:
        print(f"model: {job.paths.averaged}", flush=True)
    folder = job.paths.decode_dir(job.decode_sets[0])
    rule = job.config.corpus.normalize
    user = load_user_folder(job.test_dir, get_rule(rule))
    _say_found(job.test_dir, user)
    user = _log_probs(job, user, folder)
    refs = {file.id: file.text for file in user.files if file.text is not None}
    write_refs(refs, folder / "ref")
    write_refs(in_phones(job, refs), folder / "ref_phones")
    _say_transcripts(user.files, rule)
    if user.files:
        signatures = search_signatures(job, options)
        drop_others(folder, signatures)
        _drop_stale(folder, methods, {file.id: file.key for file in user.files})
        for method in methods:
            _decode(
                job, method, user.files, folder, options[method], signatures[method]
            )
        names = {file.id: file.name.file for file in user.files}
        write_timed_texts(job, methods, folder, names)
    write_failures(job, user.failures)
    write_config(job.config, folder / "config.yaml")


def _log_probs(job: Job, user: UserFolder, folder: Path) -> UserFolder:
    """Compute what is missing; return what of the folder has log-probs now."""
    path, hearing = folder / "log_probs.h5", hearing_of(job)
    attributes = {"model": fingerprint(job.paths.averaged), "features": repr(hearing)}
    keep = same_hearing(path, attributes)
    if keep and holds(path, user.files):
        print(f"{path}: already there", flush=True)
        return user
    for name in () if keep else OUTPUTS:  # hypotheses of another model or channel
        remove(folder / name)
    package = load_package(job.paths.averaged)
    vocabulary = Vocabulary(package.tokens, separator=separator(job.lang))
    heard = write_recordings(
        package.model, vocabulary, user.files, path, attributes, hearing, keep
    )
    print(
        f"{path}: {len(heard.new)} files, {heard.audio_seconds:.1f} s of audio in "
        f"{heard.busy_seconds:.1f} s (reading, features, acoustic model)",
        flush=True,
    )
    files = tuple(f for f in user.files if f.place not in heard.failures)
    failures = dict(sorted((user.failures | heard.failures).items()))
    return replace(user, files=files, failures=failures)


def hearing_of(job: Job) -> Hearing:
    """As the configuration has it."""
    config = job.config
    return Hearing(
        config.fbank.sample_rate,
        config.fbank.num_mel_bins,
        config.model.subsampling,
        config.long_audio.window_seconds,
        config.long_audio.overlap_seconds,
        job.channel,
        config.fbank.level,
    )


def _decode(
    job: Job,
    method: str,
    files: Sequence[UserFile],
    folder: Path,
    options: SearchOptions,
    signature: str,
) -> None:
    """Run a decoder on the recordings that it has not decoded yet."""
    keys = {file.id: file.key for file in files}
    names = {file.id: file.name.file for file in files}
    out = folder / method
    done = done_keys(out)
    if done == keys:
        print(f"{method}: already there", flush=True)
        return
    new = [id_ for id_, key in keys.items() if done.get(id_) != key]
    decoded = Decoded({}, 0.0, 0.0, 0.0, 0.0)
    if new:
        log_probs = folder / "log_probs.h5"
        lm = job.lm_file if has_lm(job) else None
        decoded = decode_in_child(method, log_probs, job.lang, lm, options, new)
    write_kept(
        method,
        decoded,
        keys,
        names,
        out,
        lang_dir=job.lang,
        options=options,
        signature=signature,
    )


def _drop_stale(folder: Path, methods: Sequence[str], keys: Mapping[str, str]) -> None:
    """Remove what decoders that do not run now have made of other files.

    What was rescored lasts as long as the lists of ``beam-lm`` that it was made of.
    """
    rescored_stays = done_keys(folder / "beam-lm") == keys
    for name in OUTPUTS:
        made_here = name not in (RESCORED, RESCORED_LISTS)
        stays = done_keys(folder / name) == keys if made_here else rescored_stays
        if name not in methods and not stays:
            remove(folder / name)


def _say_found(folder: Path, user: UserFolder) -> None:
    for note in user.notes:
        print(f"note: {note}", flush=True)
    total = len(user.files) + len(user.failures)
    print(f"{shown(folder)}: {total} files, {len(user.files)} look whole", flush=True)


def _say_transcripts(files: Sequence[UserFile], rule: str) -> None:
    told = [file.text for file in files if file.text is not None]
    print(
        f"transcripts: {len(told)} of {len(files)} files have one, "
        f"{len(files) - len(told)} have none; rule '{rule}' of the model: "
        f"{DESCRIPTIONS[rule]}",
        flush=True,
    )
