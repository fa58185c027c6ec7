"""What stage 8 has in common for test sets, a user's folder, and rescoring."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from asr.atomic import remove, write_text
from asr.config_load import read_yaml
from asr.data.fbank import FRAME_SHIFT
from asr.decode.log_probs import read_recordings
from asr.decode.methods import METHODS, REGISTRY, SearchOptions, unavailable
from asr.decode.options import HotWord, checked, stated
from asr.decode.timed_text import write_timed
from asr.errors import RecipeError, UsageError
from asr.fingerprint import fingerprint
from asr.fsa.lexicon import read_lexicon
from asr.job import RESCORED, RESCORED_LISTS, WITHOUT_LEXICON, Job
from asr.stage_files import graphs
from asr.text.phones import PhoneTokenizer, Spelling, guess_spellings
from asr.text.pronunciations import read_cmudict
from asr.text.units import has_phones, load_units

OUTPUTS = (*METHODS, RESCORED, RESCORED_LISTS)  # folders beside the log-probs
NAMED = 5  # words that a line lists
NOT_TUNED = (
    "no scales tuned; run ./run.sh --stage 7 with --decoders naming it (what is tuned "
    "already stays)"
)


def choose_methods(job: Job) -> tuple[str, ...]:
    """The decoders of ``--decoders``, or all that this machine can run.

    Raises:
        RecipeError: one was asked for by name and cannot run, or was not tuned.
    """
    tuned = read_yaml(job.paths.decode_yaml)
    reasons = {m: _why_not(m, job, tuned) for m in job.decoders or METHODS}
    methods = usable(job, reasons)
    untuned = [m for m in methods if not is_tuned(m, tuned)]
    if untuned:
        print(
            f"{', '.join(untuned)}: the model was not tuned for it, so its scales are "
            "the configuration's",
            flush=True,
        )
    return methods


def usable(
    job: Job, reasons: Mapping[str, str | None], tuning: bool = False
) -> tuple[str, ...]:
    """The decoders against which there is no reason; a line for each reason.

    Args:
        reasons: of each decoder that is wanted.
        tuning: they are wanted for that.

    Raises:
        RecipeError: one was asked for by name and cannot run.
    """
    named = [m for m in job.decoders if reasons.get(m)]
    if named:
        raise RecipeError(f"--decoders {named[0]}: {reasons[named[0]]}")
    hidden = ("hlg-nbest", "hlg-lattice") if job.model_dir is not None else ()
    shown = {m: r for m, r in reasons.items() if r and m not in hidden}
    for reason in dict.fromkeys(shown.values()):
        names = [m for m, other in shown.items() if other == reason]
        they_are = ", ".join(names) + (" are" if names[1:] else " is")
        left_out = f"{they_are} left out: {reason}"
        print(f"{they_are} not tuned: {reason}" if tuning else left_out, flush=True)
    return tuple(method for method, reason in reasons.items() if not reason)


def _why_not(method: str, job: Job, tuned: Mapping[str, Any]) -> str | None:
    if job.model_dir is not None and REGISTRY[method].uses_lm and not has_lm(job):
        return "the model has no n-gram"
    reason = unavailable(method, job.lang)
    if reason is None and job.model_dir is None and not is_tuned(method, tuned):
        return NOT_TUNED
    return reason


def is_tuned(method: str, tuned: Mapping[str, Any]) -> bool:
    """Whether ``decode.yaml`` has the decoder's scales, if it has any."""
    scales = REGISTRY[method].scales
    return not scales or any(name in tuned for name in scales)


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


def method_options(job: Job, methods: Sequence[str]) -> dict[str, SearchOptions]:
    """The options of each decoder: hot words for those that listen.

    Args:
        methods: those that run now; a line says which of them listen.

    Raises:
        UsageError: there are hot words, and none of them does.
    """
    plain = search_options(job)
    if not job.hotwords:
        return dict.fromkeys(METHODS, plain)
    phones = has_phones(job.lang)
    deaf = {m for m in METHODS if not REGISTRY[m].listens}
    deaf |= {*WITHOUT_LEXICON} if phones else set()
    listening = [method for method in methods if method not in deaf]
    others = [method for method in methods if method in deaf]
    if not listening:
        able = ", ".join(m for m in METHODS if m not in deaf)
        raise UsageError(
            f"--hotwords: {', '.join(methods)} cannot listen for words; --decoders that "
            f"can, with this model: {able}"
        )
    hot = dataclasses.replace(plain, hotwords=hot_words(job))
    without = f"; {', '.join(others)} cannot" if others else ""
    words = f"hot words: {', '.join(listening)} listen for {len(hot.hotwords)}{without}"
    print(words, flush=True)
    return {method: plain if method in deaf else hot for method in METHODS}


def hot_words(job: Job) -> tuple[HotWord, ...]:
    """The hot words that can be found; lines for the others, and for what is guessed."""
    units = load_units(job.lang)
    why = "no tokens write them"
    lexicon: Collection[str] = job.hotwords
    if isinstance(units, PhoneTokenizer):
        found = _pronounced(job, units, job.hotwords)
        lost = [word for word in job.hotwords if word not in found]
        found |= {w: (ids,) for w, ids in guess_spellings(job.lang, lost).items()}
        lexicon = read_lexicon(job.lang / "lexicon.txt", units.tokens)
        why = "nobody knows how they are said"
    else:
        found = units.spell(job.hotwords)
    lost = [word for word in job.hotwords if word not in found]
    if lost:
        print(f"hot words that cannot be found: {_some(lost)} ({why})", flush=True)
    new = [word for word in found if word not in lexicon]
    if new:
        said = [f"{word} {units.decode(found[word][0])}" for word in new]
        print(f"hot words that the lexicon lacks, said as: {_some(said)}", flush=True)
    return tuple(
        HotWord(word, job.hotwords[word], found[word] if word in new else ())
        for word in sorted(found)
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def search_signatures(job: Job, options: Mapping[str, SearchOptions]) -> dict[str, str]:
    """What the decoders' outputs depend on, beside the log-probs, by decoder.

    Scales and bounds of other decoders are none of it: they may be tuned later.
    """
    arpa = job.paths.arpa(job.config.lm.order)
    lm = fingerprint(arpa) if job.model_dir is None or has_lm(job) else "no n-gram"
    made = {path.name: fingerprint(path) for path in graphs(job)}
    own = {m: {*e.all_scales, *e.bounds(job.lang)} for m, e in REGISTRY.items()}
    all_names, found = set().union(*own.values()), {}
    for method in REGISTRY:
        unset = {n: getattr(SearchOptions(), n) for n in all_names - own[method]}
        used = dataclasses.replace(options[method], **unset)
        found[method] = f"{used} {lm} {made}\n"
    return found


def drop_others(folder: Path, signatures: Mapping[str, str]) -> None:
    """Remove what other scales gave: it must not stand in the same table."""
    for name in OUTPUTS:
        done = folder / name / "signature"
        signature = signatures[name if name in METHODS else "beam-lm"]
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
    units = PhoneTokenizer.load(job.lang)
    words = {word for text in refs.values() for word in text.split()}
    # All at once: guessing pronunciations one by one would take long.
    unknown = words - _pronounced(job, units, words).keys()
    if unknown:
        print(
            f"{len(unknown)} words of the transcripts have no pronunciation here, such as "
            f"{min(unknown)}: each counts as one phone that is wrong",
            flush=True,
        )
    return {id_: units.decode(units.encode(text)) for id_, text in refs.items()}


def _pronounced(
    job: Job, units: PhoneTokenizer, words: Iterable[str]
) -> dict[str, tuple[Spelling, ...]]:
    """Pronunciations of words.

    A finished model has those of its n-gram alone: others come from the CMU dictionary,
    if that is what the model was trained with.
    """
    found = units.spell(words)
    unknown = {*words} - found.keys()
    if unknown and not job.config.tokenizer.lexicon:
        units.learn(read_cmudict(), unknown)
        found |= units.spell(unknown)
    return found


def write_timed_texts(
    job: Job,
    methods: Sequence[str],
    folder: Path,
    names: Mapping[str, str] | None = None,
) -> None:
    """What ``--write`` asks for, of these decoders; ``names`` are the files' by id."""
    if job.write:
        recordings = read_recordings(folder / "log_probs.h5")
        seconds = {id_: found.duration for id_, found in recordings.items()}
        for method in methods:
            write_timed(folder / method, job.write, seconds, names)
        print(f"{', '.join(job.write)}: in the decoders' folders", flush=True)
