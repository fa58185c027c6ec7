"""The ten stages: what each depends on, reads and writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asr.job import Job
from asr.stage import Stage

TRAIN_FREE_KEYS = (
    "train.num_workers",
    "train.checkpoint_minutes",
    "train.keep_checkpoints",
)


def _data_marker(name: str) -> Any:
    return lambda job: job.paths.data / ".done" / f"{name}.json"


def _lang_marker(name: str) -> Any:
    return lambda job: job.lang / ".done" / f"{name}.json"


def _exp_marker(name: str) -> Any:
    return lambda job: job.paths.exp / ".done" / f"{name}.json"


def _decode_marker(name: str) -> Any:
    """Own marker for every set, so that a user's folder leaves the corpus's alone."""
    return lambda job: (
        job.paths.exp / ".done" / f"{name}-{'-'.join(job.decode_sets)}.json"
    )


def _download_dir(job: Job) -> dict[str, Any]:
    return {"download_dir": str(job.paths.download.resolve())}


def _lm_extra(job: Job) -> list[Path]:
    """The extra LM text is an input where it is there; stage 4 says where it is not."""
    name = job.config.lm.extra_text
    paths = [Path(name), job.paths.download / name] if name else []
    return [path for path in paths if path.exists()][:1]


def _features(job: Job, splits: Sequence[str]) -> list[Path]:
    p = job.paths
    return [f(s) for s in splits for f in (p.feature_cuts, p.feature_index)]


def _decode_inputs(job: Job) -> list[Path]:
    paths = [job.paths.averaged, job.paths.decode_yaml]
    if job.test_dir is None:
        return paths + _features(job, job.config.corpus.test_sets)
    return paths


def _user_files(job: Job) -> dict[str, Any]:
    """Name, size and time of all files in the user's folder."""
    facts: dict[str, Any] = {"decoders": list(job.decoders)}
    if job.test_dir is not None:
        files = sorted(p for p in job.test_dir.rglob("*") if p.is_file())
        facts["test_dir"] = [
            [str(p), p.stat().st_size, p.stat().st_mtime_ns] for p in files
        ]
    return facts


def _score_inputs(job: Job) -> list[Path]:
    """The hypotheses of every method that stage 8 has run."""
    dirs = [job.paths.decode_dir(name) for name in job.decode_sets]
    return sorted(p for d in dirs for p in d.glob("*/text") if d.exists())


STAGES = (
    Stage(
        0,
        "download",
        keys=("corpus.archives", "corpus.options"),
        needs=(),
        inputs=lambda job: [],
        outputs=lambda job: [],
        marker=_data_marker("0-download"),
        facts=_download_dir,
    ),
    Stage(
        1,
        "manifests",
        keys=("corpus", "manifest", "tokenizer.kind"),
        needs=("download",),
        inputs=lambda job: [],
        outputs=lambda job: [job.paths.cuts(s) for s in job.splits],
        marker=_data_marker("1-manifests"),
        facts=_download_dir,
    ),
    Stage(
        2,
        "fbank",
        # A corpus made anew by other options can have the same cuts.
        keys=("fbank", "corpus.archives", "corpus.options"),
        needs=("manifests",),
        inputs=lambda job: [job.paths.cuts(s) for s in job.splits],
        outputs=lambda job: _features(job, job.splits),
        marker=_data_marker("2-fbank"),
    ),
    Stage(
        3,
        "tokenizer",
        keys=("tokenizer",),
        needs=("manifests",),
        inputs=lambda job: [job.paths.cuts("train")],
        outputs=lambda job: [job.lang / "tokens.txt", job.lang / "sp.model"],
        marker=_lang_marker("3-tokenizer"),
    ),
    Stage(
        4,
        "lm",
        keys=("lm", "corpus.normalize"),
        needs=("manifests",),
        inputs=lambda job: [
            job.paths.cuts("train"),
            job.paths.cuts("dev"),
            *_lm_extra(job),
        ],
        outputs=lambda job: [job.paths.arpa(job.config.lm.order)],
        marker=_data_marker("4-lm"),
    ),
    Stage(
        5,
        "graph",
        keys=("lm", "tokenizer"),
        needs=("tokenizer", "lm"),
        inputs=lambda job: [
            job.lang / "sp.model",
            job.paths.arpa(job.config.lm.order),
        ],
        outputs=lambda job: [job.lang / "lexicon.txt", job.lang / "words.txt"],
        marker=_lang_marker("5-graph"),
    ),
    Stage(
        6,
        "train",
        keys=("model", "train", "tokenizer", "fbank", "manifest"),
        needs=("fbank", "tokenizer"),
        inputs=lambda job: [
            *_features(job, ("train", "dev")),
            job.lang / "sp.model",
        ],
        outputs=lambda job: [job.paths.checkpoints / "best.json"],
        marker=_exp_marker("6-train"),
        free_keys=TRAIN_FREE_KEYS,
    ),
    Stage(
        7,
        "tune",
        keys=("tune", "decode"),
        needs=("train", "lm", "graph"),
        inputs=lambda job: [
            job.paths.checkpoints / "best.json",
            job.paths.arpa(job.config.lm.order),
            job.lang / "lexicon.txt",
            *_features(job, ("dev",)),
        ],
        outputs=lambda job: [job.paths.averaged, job.paths.decode_yaml],
        marker=_exp_marker("7-tune"),
        free_keys=("decode.nbest",),
    ),
    Stage(
        8,
        "decode",
        keys=("decode",),
        needs=("tune",),
        inputs=_decode_inputs,
        outputs=lambda job: [job.paths.decode_dir(s) for s in job.decode_sets],
        marker=_decode_marker("8-decode"),
        facts=_user_files,
    ),
    Stage(
        9,
        "score",
        keys=(),
        needs=("decode",),
        inputs=_score_inputs,
        outputs=lambda job: [],
        marker=_decode_marker("9-score"),
    ),
)
