"""Stage 7: average the best checkpoints; choose the decoders' scales on dev."""

import dataclasses

import yaml

from asr.atomic import write_text
from asr.bin.train import read_split
from asr.decode.acoustic import Input, compute_log_probs
from asr.decode.methods import REGISTRY, SearchOptions, unavailable
from asr.decode.options import checked, stated
from asr.decode.tune import DevSet, axes_of, bounds_of, tune_method
from asr.errors import UsageError
from asr.job import Job
from asr.models.package import load_package, save_package
from asr.provenance import git_commit, write_config
from asr.text.units import Units, load_units
from asr.train.average import average_best, mix


def run(job: Job) -> None:
    """Write ``averaged.pt`` and ``decode.yaml``. No test set is read."""
    config, paths = job.config, job.paths
    options = checked(SearchOptions(**stated(dataclasses.asdict(config.decode))))
    tokenizer = load_units(job.lang)
    _write_average(job, tokenizer)
    package = load_package(paths.averaged)
    dev = read_split(job, "dev", tokenizer)
    log_probs = paths.decode_dir("dev") / "log_probs.h5"
    inputs = (
        Input(id_, dev.reader.read(id_), dev.reader.duration(id_))
        for id_ in dev.reader.ids
    )
    compute_log_probs(package.model, inputs, log_probs, {})
    dev_set = DevSet(log_probs, dev.texts, config.tune.max_seconds)
    for method, entry in REGISTRY.items():
        if entry.scales:
            options = _tune(job, method, dev_set, options)
    write_config(config, paths.decode_dir("dev") / "config.yaml")
    names = (n for m in REGISTRY.values() for n in (*m.scales, *m.bounds(job.lang)))
    chosen = {name: getattr(options, name) for name in names}
    about = {"commit": git_commit(), "tuned_on": "dev"}
    write_text(paths.decode_yaml, yaml.safe_dump(about | chosen, sort_keys=False))
    print(f"{paths.decode_yaml}: {chosen}", flush=True)


def _tune(job: Job, method: str, dev: DevSet, options: SearchOptions) -> SearchOptions:
    """Options with the method's scales, unless this machine cannot run it."""
    reason = unavailable(method, job.lang)
    if reason is not None:
        print(f"{method} is not tuned: {reason}", flush=True)
        return options
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
