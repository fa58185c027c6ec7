"""A tiny set of real features on disk, and a trainer over it."""

import dataclasses
from pathlib import Path

import numpy as np
import torch

from asr.config import MmiConfig, TrainConfig
from asr.config_augment import (
    BandLimitConfig,
    FeatureAugmentConfig,
    GainConfig,
    SpecAugmentConfig,
    VtlpConfig,
)
from asr.data.augment.feature_augment import FeatureAugment
from asr.data.dataset import Utterance
from asr.data.shard_index import write_index
from asr.data.shard_reader import ShardReader
from asr.data.shard_writer import shard_rows, write_shard
from asr.models.create import create_model
from asr.text.tokenizer import Tokenizer
from asr.train.loop import Trainer
from asr.train.split import Split
from asr.train.world import World

WORDS = ("ONE", "TWO", "SIX", "TEN")
BINS = 20
NO_MASKS = SpecAugmentConfig(False, 1.0, 0, 0, 0, 0, 0, 0.0)
MASKS = SpecAugmentConfig(True, 1.0, 0, 1, 4, 1, 10, 0.2)
NO_AUGMENT = FeatureAugmentConfig(
    VtlpConfig(False, 1.0, 0.9, 1.1),
    GainConfig(False, 1.0, -10.0, 10.0),
    BandLimitConfig(False, 1.0, 3000.0, 7000.0),
)


def toy_config(**changes: object) -> TrainConfig:
    values: dict[str, object] = {
        "seed": 1,
        "max_epochs": 3,
        "batch_seconds": 2.0,
        "optimizer": "adamw",
        "learning_rate": 2e-3,
        "warmup_steps": 5,
        "final_lr_ratio": 0.1,
        "weight_decay": 0.01,
        "clip_norm": 5.0,
        "precision": "float32",
        "num_workers": 0,
        "sorted_epochs": 1,
        "checkpoint_minutes": 10.0,
        "keep_checkpoints": 2,
        "accumulate": 1,
        "schedule": "cosine",
        "ema_decay": 0.0,
        "patience": 0,
        "max_skipped": 20,
        "one_batch": False,
        "loss": "ctc",
        "realign_epochs": (),
        "mmi": MmiConfig(0.1, 0),
        "augment": NO_AUGMENT,
        "spec_augment": MASKS,
    }
    return TrainConfig(**{**values, **changes})  # type: ignore[arg-type]


def toy_split(folder: Path, number: int = 12) -> tuple[Split, Tokenizer]:
    """Utterances of two words, each word a fixed noise pattern of 40 frames."""
    rng = np.random.default_rng(0)
    patterns = {word: rng.normal(size=(40, BINS)) for word in WORDS}
    texts, arrays = {}, {}
    for i in range(number):
        words = [WORDS[i % 4], WORDS[(i // 4 + i) % 4]]
        noise = rng.normal(scale=0.1, size=(80 + 4 * (i % 3), BINS))
        noise[:80] += np.concatenate([patterns[word] for word in words])
        texts[f"utt{i:02}"] = " ".join(words)
        arrays[f"utt{i:02}"] = noise.astype(np.float32)
    write_shard(folder / "shard-0000.h5", arrays.items(), "float32")
    seconds = {id_: len(array) / 100 for id_, array in arrays.items()}
    index = folder / "index.tsv"
    write_index(shard_rows(folder / "shard-0000.h5", "shard-0000.h5", seconds), index)
    tokenizer = Tokenizer.train(texts.values(), folder / "lang", "char", 0)
    reader = ShardReader(index)
    utterances = [
        Utterance(id_, tuple(tokenizer.encode(texts[id_])), reader.num_frames(id_))
        for id_ in reader.ids
    ]
    return Split(reader, utterances, texts), tokenizer


def toy_trainer(
    data: Path,
    checkpoints: Path,
    config: TrainConfig,
    number: int = 12,
    model: str = "conformer",
    copies: int = 1,
    world: World | None = None,
) -> Trainer:
    """A new trainer, as a new process would make it; train is dev, ``copies`` times."""
    torch.manual_seed(config.seed)
    split, tokenizer = toy_split(data, number)
    train = dataclasses.replace(split, utterances=[*split.utterances] * copies)
    options = {
        "conformer": {"dim": 32, "num_layers": 2, "num_heads": 2, "ff_dim": 64},
        "deepspeech2": {"conv_channels": 4, "rnn_dim": 48, "num_layers": 2},
        "tdnnf": {"dim": 48, "bottleneck": 16, "strides": (1, 2, 3)},
    }[model]
    network = create_model(model, BINS, tokenizer.vocab_size, options)
    augment = FeatureAugment(config.augment, config.spec_augment, 16000)
    return Trainer(
        network,
        train,
        split,
        tokenizer,
        config,
        checkpoints,
        {"a": 1},
        world,
        augment,
    )
