"""Files and facts that the stages depend on, and where their done-markers lie."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from asr.data.own_corpus.named import files_elsewhere
from asr.data.user_names import shown
from asr.fingerprint import fingerprint
from asr.folders import list_files
from asr.job import DECODERS, LANG_FILES, RESCORED, WITHOUT_LEXICON, Job
from asr.model_dir import MANIFEST

REPORT = "report.html"  # of an experiment, written by stage 9
RESULTS = "results.tsv"  # of a set's decoders whose output is words
PHONE_RESULTS = "results_phones.tsv"  # the same where it is phones
RATES = ("wer", "cer")  # files of stage 9 in each decoder's folder
PHONE_RATES = ("per",)  # the same where the decoder's output is phones
Marker = Callable[[Job], Path]
LISTED = 20_000  # files that a done-marker names; of more it has a digest


def data_marker(name: str) -> Marker:
    """Beside the data of the corpus."""
    return lambda job: job.paths.data / ".done" / f"{name}.json"


def lang_marker(name: str) -> Marker:
    """Beside the tokenizer: another unit is another folder."""
    return lambda job: job.lang / ".done" / f"{name}.json"


def exp_marker(name: str) -> Marker:
    """Beside the model."""
    return lambda job: job.paths.exp / ".done" / f"{name}.json"


def decode_marker(name: str) -> Marker:
    """Own marker for every set, so that a user's folder leaves the corpus's alone."""
    return lambda job: (
        job.paths.exp / ".done" / f"{name}-{'-'.join(job.decode_sets)}.json"
    )


def download_dir(job: Job) -> dict[str, Any]:
    """Where the audio lies."""
    return {"download_dir": str(job.paths.download.resolve())}


def own_sets(job: Job) -> dict[str, Any]:
    """Where the audio lies, and the files of sets that a user keeps there and changes."""
    facts = download_dir(job)
    if job.config.corpus.options.get("in_place"):
        folders = [job.paths.download / split for split in job.splits]
        files = [
            [f"{folder.name}/{name}", *status]
            for folder in folders
            for name, *status in _stats(folder)
        ]
        files += [
            [shown(path), *status]
            for folder in folders
            for path in files_elsewhere(folder)
            if (status := _size_and_time(path))
        ]
        facts["own files"] = files if len(files) <= LISTED else _digest(files)
    return facts


def _digest(files: list[list[Any]]) -> str:
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()


def sounds_and_sets(job: Job) -> dict[str, Any]:
    """What stage 2 reads beside the cuts: audio that can change, sounds to mix in."""
    sets = own_sets(job)
    return {**augment_sounds(job), **{k: sets[k] for k in sets if k == "own files"}}


def init_from(job: Job) -> dict[str, Any]:
    """The checkpoint that training begins with, if one is given."""
    if job.init_from is None:
        return {}
    return {"init_from": fingerprint(job.init_from)}


def tune_facts(job: Job) -> dict[str, Any]:
    """What is mixed in, and the decoders that are asked for by name."""
    mixed = init_from(job) if job.config.tune.init_share else {}
    return {**mixed, **({"decoders": list(job.decoders)} if job.decoders else {})}


def lm_extra(job: Job) -> list[Path]:
    """The extra LM text is an input where it is there; stage 4 says where it is not."""
    name = job.config.lm.extra_text
    paths = [Path(name), job.paths.download / name] if name else []
    return [path for path in paths if path.exists()][:1]


def lexicon_file(job: Job) -> list[Path]:
    """The user's lexicon is an input where it is there; stage 3 says where it is not."""
    return [path for path in [find_lexicon(job)] if path and path.exists()]


def find_lexicon(job: Job) -> Path | None:
    """The lexicon that the configuration names: a path, or a download."""
    name = job.config.tokenizer.lexicon
    if not name:
        return None
    return Path(name) if Path(name).exists() else job.paths.download / name


def unit_files(job: Job) -> list[Path]:
    """What stage 3 writes beside ``tokens.txt``, which follows from it."""
    return [job.lang / name for name in LANG_FILES.get(job.config.tokenizer.kind, ())]


def lm_files(job: Job) -> list[Path]:
    """The n-gram, and the larger one for rescoring where there is one."""
    lm = job.config.lm
    return [job.paths.arpa(n) for n in sorted({lm.order, lm.rescore_order} - {0})]


def sound_folder(job: Job, name: str) -> Path:
    """A folder of sounds that the configuration names: a path, or a download."""
    return Path(name) if Path(name).is_dir() else job.paths.download / name


def augment_sounds(job: Job) -> dict[str, Any]:
    """Name, size and time of the noises and impulse responses that stage 2 mixes in."""
    augment = job.config.fbank.augment
    facts: dict[str, Any] = {}
    for key, part in (("noise", augment.noise), ("reverb", augment.reverb)):
        if augment.active_copies and part.enabled and part.folder:
            folder = sound_folder(job, part.folder)
            facts[f"augment {key}"] = list(_stats(folder))
    return facts


def features(job: Job, splits: Sequence[str]) -> list[Path]:
    """What stage 2 writes of the splits."""
    p = job.paths
    return [f(s) for s in splits for f in (p.feature_cuts, p.feature_index)]


def graphs(job: Job) -> list[Path]:
    """What decoders search and rescore with, as far as stage 5 has made it."""
    names = ("HLG.pt", "G.pt", "larger.bin", "larger.arpa")
    return [job.lang / name for name in names if (job.lang / name).is_file()]


def decode_inputs(job: Job) -> list[Path]:
    """Model, scales, graphs; the test sets' features, unless a folder is given."""
    if job.model_dir is not None:
        return [job.model_dir / MANIFEST]
    paths = [job.paths.averaged, job.paths.decode_yaml, *graphs(job)]
    if job.test_dir is None:
        return paths + features(job, job.config.corpus.test_sets)
    return paths


def user_files(job: Job) -> dict[str, Any]:
    """Name, size and time of all files in the user's folder."""
    facts: dict[str, Any] = {"decoders": list(job.decoders)}
    if job.write:
        facts["write"] = list(job.write)
    if job.hotwords:
        facts["hotwords"] = dict(job.hotwords)
    if job.test_dir is not None:
        facts["test_dir"] = list(_stats(job.test_dir))
        facts["channel"] = job.channel
    return facts


def _stats(folder: Path) -> Iterator[list[Any]]:
    """[relative path, size, time] of all files below a folder, links followed."""
    for path in list_files(folder).files:
        status = _size_and_time(path)
        if status:
            yield [shown(path.relative_to(folder)), *status]


def _size_and_time(path: str | Path) -> list[int]:
    """Of a file; nothing where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def decoded_methods(folder: Path) -> list[str]:
    """The decoders that have run on a set, in the order of the results table."""
    known = (*DECODERS, RESCORED)
    return [method for method in known if (folder / method / "text").is_file()]


def phone_methods(folder: Path) -> tuple[str, ...]:
    """The decoders whose output on a set is phones; of other units there are none."""
    return WITHOUT_LEXICON if (folder / "ref_phones").is_file() else ()


def score_inputs(job: Job) -> list[Path]:
    """Transcripts, speakers, and what stage 8 has written of every method."""
    dirs = [job.paths.decode_dir(name) for name in job.decode_sets]
    names = ("ref", "ref_phones", "*/text", "*/timing.json")
    cuts = [job.paths.feature_cuts(name) for name in job.decode_sets]
    paths = [path for d in dirs for name in names for path in d.glob(name)]
    return sorted([*paths, *(path for path in cuts if path.is_file())])


def score_outputs(job: Job) -> list[Path]:
    """The tables of sets that have transcripts, every decoder's rates, and the report."""
    dirs = [job.paths.decode_dir(name) for name in job.decode_sets]
    told = [d for d in dirs if (d / "ref").is_file()]
    kinds = [(d, m, m in phone_methods(d)) for d in told for m in decoded_methods(d)]
    tables = {d / (PHONE_RESULTS if phones else RESULTS) for d, _, phones in kinds}
    rates = [
        d / method / name
        for d, method, phones in kinds
        for name in (PHONE_RATES if phones else RATES)
    ]
    page = [job.paths.exp / REPORT] if told else []
    return [*sorted(tables), *rates, *page]


def scored_sets(exp: Path) -> list[Path]:
    """The folders of sets that stage 9 has made a table of."""
    tables = [p for name in (RESULTS, PHONE_RESULTS) for p in exp.glob(f"*/{name}")]
    return sorted({t.parent for t in tables if t.parent.name.startswith("decode_")})
