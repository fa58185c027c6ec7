"""Stage 7: average the best checkpoints; choose the decoders' scales on dev.

What was chosen for a decoder stays as long as what it was chosen with is the same, also if
others are asked for later, or the stage is killed.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import yaml

from asr.atomic import write_text
from asr.bin.decode import compute_missing
from asr.bin.search import usable
from asr.config_load import read_yaml
from asr.decode.methods import METHODS, REGISTRY, SearchOptions, unavailable
from asr.decode.options import checked, stated
from asr.decode.tune import DevSet, axes_of, bounds_of, grid_name, tune_method
from asr.done_marker import changes, read_marker
from asr.errors import UsageError
from asr.job import Job
from asr.models.package import save_package
from asr.provenance import git_commit, write_config
from asr.stage import fingerprints
from asr.stages import STAGES
from asr.text.transcripts import read_transcripts
from asr.text.units import Units, load_units
from asr.train.average import average_best, mix

TUNED = "tuned.json"  # beside the log-probs of dev: what was chosen, and with what
Chosen = Mapping[str, Mapping[str, Any]]  # options by name, by decoder


def run(job: Job) -> None:
    """Write ``averaged.pt`` and ``decode.yaml``. No test set is read.

    Raises:
        RecipeError: a decoder that was asked for cannot run here.
    """
    config, paths = job.config, job.paths
    options = checked(SearchOptions(**stated(dataclasses.asdict(config.decode))))
    methods = tuned_methods(job)
    _write_average(job, load_units(job.lang))
    log_probs = compute_missing(job, "dev")
    texts = read_transcripts(paths.feature_cuts("dev"))
    dev = DevSet(log_probs, texts, config.tune.max_seconds)
    chosen = _read_chosen(job)
    for method in methods:
        if method in chosen:
            print(f"{method}: tuned already, {chosen[method]}", flush=True)
            continue
        before = dataclasses.replace(options, **_joined(chosen))
        after = _tune(job, method, dev, before)
        chosen = {**chosen, method: _differences(job, method, before, after)}
        _write_chosen(job, chosen)
    write_config(config, paths.decode_dir("dev") / "config.yaml")
    _write_scales(job, _joined(chosen))


def tuned_methods(job: Job) -> tuple[str, ...]:
    """The decoders of ``--decoders`` that have scales, or all such; those that work.

    Raises:
        RecipeError: one was asked for by name and cannot run.
    """
    scaled = {m for m in job.decoders or METHODS if REGISTRY[m].scales}
    scaled |= {first for m in scaled if (first := REGISTRY[m].first)}
    asked = [m for m in METHODS if m in scaled or m in job.decoders]
    reasons = {method: unavailable(method, job.lang) for method in asked}
    found = usable(job, reasons, tuning=True)
    return tuple(m for m in found if m in scaled)


def _tune(job: Job, method: str, dev: DevSet, options: SearchOptions) -> SearchOptions:
    """Options with the method's scales."""
    entry, tune = REGISTRY[method], dataclasses.asdict(job.config.tune)
    fixed = stated(dataclasses.asdict(job.config.decode))
    return tune_method(
        method,
        dev,
        axes_of(entry.scales, tune, fixed),
        bounds=bounds_of(entry.bounds(job.lang), tune, fixed),
        lang_dir=job.lang,
        lm=job.lm_file,
        options=options,
        nj=job.nj,
        plot=job.paths.decode_dir("dev") / f"{method}_scales.png",
    )


def _differences(
    job: Job, method: str, before: SearchOptions, after: SearchOptions
) -> dict[str, Any]:
    """The method's scales and bounds, and whatever else was chosen with them."""
    own = {*REGISTRY[method].scales, *REGISTRY[method].bounds(job.lang)}
    return {
        name: value
        for name, value in dataclasses.asdict(after).items()
        if name in own or value != getattr(before, name)
    }


def _joined(chosen: Chosen) -> dict[str, Any]:
    """The options that were chosen for all decoders together."""
    in_order = (chosen.get(method, {}) for method in METHODS)
    return {name: value for options in in_order for name, value in options.items()}


def _read_chosen(job: Job) -> dict[str, Mapping[str, Any]]:
    """What was chosen before and would be chosen again, by decoder."""
    path = job.paths.decode_dir("dev") / TUNED
    known = read_marker(path) if path.is_file() else {}
    return {
        method: known[method]["chosen"]
        for method in METHODS
        if method in known and not changes(known[method]["of"], _made_of(job, method))
    }


def _write_chosen(job: Job, chosen: Chosen) -> None:
    content = {
        method: {"chosen": options, "of": _made_of(job, method)}
        for method, options in chosen.items()
    }
    path = job.paths.decode_dir("dev") / TUNED
    write_text(path, json.dumps(content, indent=1) + "\n")


def _made_of(job: Job, method: str) -> dict[str, Any]:
    """What the choice for a decoder depends on: not on other decoders' grids."""
    stage = next(stage for stage in STAGES if stage.name == "tune")
    own = {m: {*e.all_scales, *e.bounds(job.lang)} for m, e in REGISTRY.items()}
    names = set().union(*own.values()) - own[method]
    others = {f"tune.{grid_name(name)}" for name in names}
    facts = {k: v for k, v in stage.facts(job).items() if k != "decoders"}
    of = {**stage.settings(job), **facts, **fingerprints(stage, job)}
    return {name: value for name, value in of.items() if name not in others}


def _write_scales(job: Job, scales: Mapping[str, Any]) -> None:
    """Write ``decode.yaml``, unless it says so already: its commit is the choice's."""
    path = job.paths.decode_yaml
    known = read_yaml(path) if path.is_file() else {}
    about = ("commit", "tuned_on")
    if not known or {k: v for k, v in known.items() if k not in about} != scales:
        content = {"commit": git_commit(), "tuned_on": "dev", **scales}
        write_text(path, yaml.safe_dump(content, sort_keys=False))
    print(f"{path}: {dict(scales)}", flush=True)


def _write_average(job: Job, tokenizer: Units) -> None:
    """Average the best epochs into one self-contained model file."""
    weights, epochs = average_best(job.paths.checkpoints, job.config.tune.average)
    share = job.config.tune.init_share
    if share:
        if job.init_from is None:
            raise UsageError(f"tune.init_share={share}: only with --init-from")
        weights = mix(weights, job.init_from, share)
    options = dataclasses.asdict(job.config.model)
    save_package(
        job.paths.averaged,
        weights,
        name=options.pop("name"),
        options=options,
        num_features=job.config.fbank.num_mel_bins,
        tokens=tokenizer.tokens,
        epochs=epochs,
    )
    beside = f", {share:g} of {job.init_from}" if share else ""
    print(f"{job.paths.averaged}: mean of epochs {epochs}{beside}", flush=True)
