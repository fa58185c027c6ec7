"""A model folder as ``--export`` writes it, of a model that has learned nothing."""

import dataclasses
from pathlib import Path

import torch

from asr.atomic import write_text
from asr.bin.export import run as export
from asr.config_load import ROOT, load_config
from asr.job import Job, Paths
from asr.lm.train_ngram import train_ngram
from asr.models.create import create_model
from asr.models.package import save_package
from asr.text.tokenizer import Tokenizer

SMALL = "model.dim=16 model.num_layers=1 model.ff_dim=32 model.conv_channels=4"


def make_untrained_model(folder: Path, texts: list[str]) -> Path:
    """Write ``folder/model``: characters and a 3-gram of ``texts``, random weights."""
    config = load_config(ROOT / "egs" / "synth", "conformer", SMALL.split())
    paths = Paths(folder / "download", folder / "data", folder / "exp")
    job = Job(config, paths, ROOT / "egs" / "synth", 1, None, ())
    tokens = Tokenizer.train(texts, job.lang, "char", 0).tokens
    write_text(paths.lm / "train.txt", "".join(f"{text}\n" for text in texts))
    train_ngram(paths.lm / "train.txt", paths.arpa(3), 3, [0], None)
    options = dataclasses.asdict(config.model)
    name, bins = options.pop("name"), config.fbank.num_mel_bins
    torch.manual_seed(0)
    model = create_model(name, bins, len(tokens), options)
    save_package(
        paths.averaged,
        model.state_dict(),
        name=name,
        options=options,
        num_features=bins,
        tokens=tokens,
        epochs=[1],
    )
    write_text(paths.decode_yaml, "lm_weight: 0.5\nword_score: 1.0\n")
    export(job, folder / "model", 15.0, None)
    return folder / "model"
