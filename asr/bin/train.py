"""Stage 6: train the acoustic model."""

import dataclasses
from pathlib import Path
from typing import Any

import torch

from asr.atomic import write_text
from asr.bin.train_log import new_log
from asr.config_tree import flatten
from asr.data.augment.copies import read_originals
from asr.data.augment.feature_augment import FeatureAugment
from asr.data.dataset import Utterance
from asr.data.shard_reader import ShardReader
from asr.errors import RecipeError, UsageError
from asr.fingerprint import fingerprint
from asr.job import Job
from asr.models.create import AcousticModel, create_model
from asr.models.lengths import SUBSAMPLING, subsampled
from asr.provenance import write_config
from asr.stage_files import unit_files
from asr.stages import TRAIN_FREE_KEYS
from asr.text.transcripts import read_transcripts
from asr.text.units import Units, load_units
from asr.train.init_from import init_from, say_other_level
from asr.train.loop import Trainer
from asr.train.loss import frames_needed
from asr.train.one_batch import learn_one_batch
from asr.train.split import Split
from asr.train.world import current_world


def run(job: Job) -> None:
    """Train until the last epoch, or go on from the last checkpoint."""
    config, paths, world = job.config, job.paths, current_world()
    torch.manual_seed(config.train.seed)
    tokenizer = load_units(job.lang)
    step = config.model.subsampling
    train, dropped = feasible(read_split(job, "train", tokenizer), step)
    if world.is_main:
        _report(dropped, step, paths.exp / "dropped.tsv")
    dev = in_units(read_split(job, "dev", tokenizer), tokenizer)
    model = new_model(job, tokenizer.vocab_size)
    if job.init_from is not None:
        init_from(model, job.init_from, tokenizer.tokens)
        say_other_level(job.init_from, config.fbank.level)
    size = sum(p.numel() for p in model.parameters()) / 1e6
    print(
        f"{config.model.name}: {size:.1f} M parameters, {tokenizer.vocab_size} tokens; "
        f"train {len(train.utterances)} utterances, {train.seconds / 3600:.2f} h; "
        f"dev {len(dev.utterances)}",
        flush=True,
    )
    if config.train.one_batch:
        learn_one_batch(model, train, tokenizer, config.train)
        return
    if 0 in config.train.realign_epochs and job.init_from is None:
        raise UsageError(
            "train.realign_epochs=0: only with --init-from a trained model"
        )
    trainer = Trainer(
        model,
        train,
        dev,
        tokenizer,
        config.train,
        paths.checkpoints,
        _signature(job),
        world,
        feature_augment(job),
        new_log(job, train, dev, tokenizer) if world.is_main else None,
    )
    if world.is_main:
        write_config(config, paths.exp / "config.yaml")
    print(
        f"training on {trainer.device} in {trainer.stepper.dtype}, "
        f"{world.size} process(es), {config.train.accumulate} batch(es) an update each",
        flush=True,
    )
    trainer.run()


def read_split(job: Job, name: str, tokenizer: Units) -> Split:
    """One set's features and transcripts, in the order of its index."""
    reader = ShardReader(job.paths.feature_index(name))
    texts = read_transcripts(job.paths.feature_cuts(name))
    utterances = [
        Utterance(id_, tuple(tokenizer.encode(texts[id_])), reader.num_frames(id_))
        for id_ in reader.ids
    ]
    return Split(
        reader, utterances, texts, read_originals(job.paths.feature_cuts(name))
    )


def in_units(split: Split, units: Units) -> Split:
    """The set with transcripts in phones, if these are the units.

    What a model says without a lexicon can only be compared with such.
    """
    if not units.separator:
        return split
    print(
        "units are phones: what this training calls WER is the phone error rate, "
        "against the usual pronunciations",
        flush=True,
    )
    texts = {id_: units.decode(units.encode(t)) for id_, t in split.texts.items()}
    return dataclasses.replace(split, texts=texts)


def feasible(split: Split, step: int = SUBSAMPLING) -> tuple[Split, list[Utterance]]:
    """Take out the utterances that have no CTC path: more labels than frames.

    Args:
        step: the model's input frames for one output frame.

    Raises:
        RecipeError: none is left.
    """
    kept = [u for u in split.utterances if _has_path(u, step)]
    if not kept:
        raise RecipeError("train: no utterance has enough frames for its transcript")
    dropped = [u for u in split.utterances if not _has_path(u, step)]
    return dataclasses.replace(split, utterances=kept), dropped


def _has_path(utterance: Utterance, step: int) -> bool:
    return frames_needed(utterance.tokens) <= subsampled(utterance.num_frames, step)


def _report(dropped: list[Utterance], step: int, path: Path) -> None:
    """Write and count what cannot be trained on."""
    lines = ["split\tid\treason\tdetail"]
    lines += [
        f"train\t{u.id}\timpossible for CTC\t{subsampled(u.num_frames, step)} output frames, "
        f"{frames_needed(u.tokens)} needed"
        for u in dropped
    ]
    write_text(path, "\n".join(lines) + "\n")
    if dropped:
        print(
            f"train: {len(dropped)} utterances dropped, impossible for CTC; see {path}",
            flush=True,
        )


def feature_augment(job: Job) -> FeatureAugment:
    """What happens to the training features of every batch."""
    train = job.config.train
    return FeatureAugment(
        train.augment, train.spec_augment, job.config.fbank.sample_rate
    )


def new_model(job: Job, vocab_size: int) -> AcousticModel:
    """The configured model, freshly initialised."""
    options = dataclasses.asdict(job.config.model)
    name = options.pop("name")
    return create_model(name, job.config.fbank.num_mel_bins, vocab_size, options)


def _signature(job: Job) -> dict[str, Any]:
    """What the weights depend on: configuration, features, tokens, first weights.

    Not on ``patience``: it ends a training earlier or later, which may still change.
    """
    sections = ("model.", "train.", "tokenizer.", "fbank.")
    signature = {
        key: value
        for key, value in flatten(job.config).items()
        if key.startswith(sections) and key not in (*TRAIN_FREE_KEYS, "train.patience")
    }
    tokens, *others = unit_files(job)
    files = {"index": job.paths.feature_index("train"), "tokens": tokens}
    files |= {path.name: path for path in others}
    if job.init_from is not None:
        files["init_from"] = job.init_from
    # The size of an update decides, not how many processes share it.
    group = job.config.train.accumulate * current_world().size
    signature["train.accumulate"] = group
    return signature | {name: fingerprint(path) for name, path in files.items()}
