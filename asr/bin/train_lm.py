"""``train_lm``: the neural language model, on the text of stage 4."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from asr.atomic import write_text
from asr.bin.train_log import text_log
from asr.config import NeuralLmConfig
from asr.errors import RecipeError, UsageError
from asr.fingerprint import fingerprint
from asr.job import Job
from asr.lm.lm_tokenizer import lm_tokenizer
from asr.lm.neural import save_neural_lm
from asr.lm.token_text import TokenText, write_token_text
from asr.lm.train_text import read_lines
from asr.models.transformer_lm import TransformerLm
from asr.packages import missing
from asr.provenance import write_config
from asr.text.tokenizer import Tokenizer
from asr.text.transcripts import read_transcripts
from asr.text.units import has_phones
from asr.train.average import average_best
from asr.train.lm_loop import LmTrainer
from asr.train.lm_text import LmText

MODEL_KEYS = ("dim", "num_layers", "num_heads", "ff_dim", "dropout")
FREE_KEYS = ("max_skipped", "checkpoint_minutes", "keep_checkpoints", "patience")


def run(job: Job) -> None:
    """Train, or go on from the last checkpoint; write ``lm.pt``.

    Raises:
        RecipeError: stage 3 or 4 has not been run.
    """
    config, folder = job.config.neural_lm, job.neural_lm
    tokenizer = load_tokenizer(job)
    text = LmText(
        _token_text(job, tokenizer),
        context=config.context,
        batch_tokens=config.batch_tokens,
        epoch_steps=config.epoch_steps,
        seed=config.seed,
    )
    dev = list(read_transcripts(job.paths.cuts("dev")).values())
    torch.manual_seed(config.seed)
    model = _new_model(tokenizer.vocab_size, config)
    size = sum(p.numel() for p in model.parameters()) / 1e6
    print(
        f"neural LM: {size:.1f} M parameters, {tokenizer.vocab_size} tokens; "
        f"text {len(text.pieces)} pieces, {text.tokens / 1e6:.2f} M tokens, "
        f"{text.parts} epoch(s) a pass; dev {len(dev)} sentences",
        flush=True,
    )
    trainer = LmTrainer(
        model,
        text,
        dev,
        tokenizer,
        config,
        folder / "checkpoints",
        _signature(job),
        text_log(job, folder),
    )
    write_config(job.config, folder / "config.yaml")
    trainer.run()
    weights, epochs = average_best(folder / "checkpoints", 1)
    target = folder / "lm.pt"
    save_neural_lm(target, weights, model_options(config), pieces(job))
    print(f"{target}: the weights of epoch {epochs[0]}")
    _compare(job, trainer, dev)


def pieces(job: Job) -> Path:
    """The tokenizer's file: of stage 3, or where units are phones the LM's own."""
    folder = job.neural_lm if has_phones(job.lang) else job.lang
    return folder / "sp.model"


def load_tokenizer(job: Job) -> Tokenizer:
    """What cuts words into the LM's tokens; phones do not spell them.

    Raises:
        RecipeError: stage 3 or 4 has not been run.
    """
    if not has_phones(job.lang):
        return Tokenizer.load(job.lang)
    size = job.config.tokenizer.vocab_size
    return lm_tokenizer(train_text(job), job.neural_lm, size)


def train_text(job: Job) -> Path:
    """What stage 4 has trained its n-gram on.

    Raises:
        RecipeError: it has not been run.
    """
    path = job.paths.lm / "train.txt"
    if not path.is_file():
        raise RecipeError(f"{path} is missing: run the lm stage (4) first")
    return path


def model_options(config: NeuralLmConfig) -> dict[str, Any]:
    """Keyword arguments of the model."""
    options = dataclasses.asdict(config)
    return {key: options[key] for key in MODEL_KEYS}


def _new_model(vocab_size: int, config: NeuralLmConfig) -> TransformerLm:
    for name in MODEL_KEYS[:-1]:
        if getattr(config, name) < 1:
            raise UsageError(f"neural_lm.{name}={getattr(config, name)}: at least 1")
    try:
        return TransformerLm(vocab_size, **model_options(config))
    except ValueError as error:
        raise UsageError(f"neural_lm: {error}") from error


def _token_text(job: Job, tokenizer: Tokenizer) -> TokenText:
    """Tokenise the text unless that is done already."""
    source, target = train_text(job), job.neural_lm / "tokens.bin"
    wanted = json.dumps(_sources(job))
    made_from = target.with_suffix(".json")
    known = made_from.read_text("utf-8") if made_from.is_file() else ""
    if not target.is_file() or known != wanted:
        lines = read_lines(source)
        size = tokenizer.vocab_size
        count = write_token_text(lines, tokenizer.encode, size, target)
        write_text(made_from, wanted)
        print(f"{target}: {count} sentences", flush=True)
    return TokenText.open(target)


def _sources(job: Job) -> dict[str, str]:
    files = {"text": job.paths.lm / "train.txt", "tokens": pieces(job)}
    return {name: fingerprint(path) for name, path in files.items()}


def _signature(job: Job) -> dict[str, Any]:
    """What the weights depend on; not on when the training is saved or given up."""
    options = dataclasses.asdict(job.config.neural_lm)
    kept = {
        f"neural_lm.{key}": value
        for key, value in options.items()
        if key not in FREE_KEYS
    }
    return kept | _sources(job)


def _compare(job: Job, trainer: LmTrainer, dev: list[str]) -> None:
    """Set the best epoch's perplexity beside the n-gram's on the same sentences."""
    best = min(trainer.state.history, key=lambda result: result.rank)
    print(f"best {best.line}")
    if not Path(job.lm_file).is_file() or missing("kenlm"):
        return
    from asr.lm.ngram import NgramLm

    found = NgramLm(job.lm_file).perplexity(dev)
    print(
        f"n-gram on the same sentences: {found.with_unknown:.1f} a word, "
        f"{found.without_unknown:.1f} without the {found.unknown} words of "
        f"{found.words} that it does not know (the neural LM spells them)",
        flush=True,
    )
