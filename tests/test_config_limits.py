"""The values in brackets beside the configuration's fields are those that are taken.

Each limit is probed on both sides, by the code that uses the value.
"""

import copy
import dataclasses
import functools
import os
import re
import stat
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml

from asr.bin.train_lm import _new_model
from asr.bin.train_log import text_log
from asr.config import Config
from asr.config_doc import sections
from asr.config_load import apply_setting, default_tree
from asr.config_tree import build_config
from asr.decode import graph_methods
from asr.decode.methods import SearchOptions
from asr.decode.options import checked
from asr.errors import RecipeError
from asr.field_comments import field_comments
from asr.lm import huggingface
from asr.lm.train_ngram import build_binary, resolve_prune
from asr.models.create import create_model
from asr.text.normalize import get_rule
from asr.text.tokenizer import Tokenizer
from asr.train.average import average_best
from asr.train.check_options import check_options
from asr.train.lm_loop import check_lm_options
from asr.train.optimizer import new_optimizer
from asr.train.precision import choose_precision
from asr.train.schedule import schedule_factor
from asr.train.wandb_log import choose_mode

# Other keys that have to agree with the one that is probed.
COMPANIONS = {
    "decode.max_active": ["decode.min_active=0"],
    "long_audio.window_seconds": ["long_audio.overlap_seconds=0"],
    "model.dim": ["model.num_heads=1"],
    "neural_lm.dim": ["neural_lm.num_heads=1"],
    "train.mmi.ctc_epochs": ["train.loss=mmi"],
}


def limits() -> Iterator[tuple[str, str, str, bool]]:
    """(key, model, limits, whether it is a whole number) of all fields with limits."""
    for kind, prefix, model in sections():
        hints = typing.get_type_hints(kind)
        for name, said in field_comments(kind).items():
            if said.limits:
                whole = hints[name] in (int, int | None, tuple[int, ...])
                yield f"{prefix}.{name}", model, said.limits, whole


def values(limit: str, whole: bool) -> tuple[list[Any], list[Any]]:
    """Values at the limit that are taken, and ones beyond it that are not."""
    if limit.startswith("each "):
        good, bad = values(limit.removeprefix("each "), whole)
        return [[value] for value in good], [[value] for value in bad]
    if " | " in limit:
        return list(limit.split(" | ")), ["something"]
    step = 1 if whole else 0.001
    limit = re.sub(r"^(\S+) to (\S+)$", r">= \1, <= \2", limit)
    good, bad = [], []
    for sign, number in re.findall(r"([<>]=?) (-?[\d.]+)", limit):
        edge, way = float(number), 1 if sign[0] == ">" else -1
        good.append(edge if sign[1:] else edge + way * step)
        bad.append(edge - way * step if sign[1:] else edge)
    kind = int if whole else float
    return [kind(value) for value in good], [kind(value) for value in bad]


def use(config: Config, key: str, folder: Path, monkeypatch: Any) -> None:
    """What the stages do first with a key."""
    section = key.partition(".")[0]
    checks: dict[str, Callable[[], object]] = {
        "corpus": lambda: get_rule(config.corpus.normalize),
        "tokenizer": lambda: tokenize(config, folder),
        "lm": lambda: make_ngram(config, folder),
        "model": lambda: make_model(config),
        "train": lambda: train(config, key),
        "log": lambda: log(config, folder),
        "tune": lambda: average_best(Path("nowhere"), config.tune.average),
        "decode": lambda: decode(config, monkeypatch),
        "neural_lm": lambda: train_lm(config, key),
        "rescore": lambda: rescore(config, monkeypatch),
    }
    checks.get(section, lambda: None)()  # of the others, loading checks the values


def tokenize(config: Config, folder: Path) -> None:
    if config.tokenizer.kind != "phone":  # which train_units has taken out before
        Tokenizer.train(["AB BA"] * 9, folder, config.tokenizer.kind, 6)


def make_ngram(config: Config, folder: Path) -> None:
    resolve_prune(config.lm.order, config.lm.prune)
    program = folder / "build_binary"
    program.write_text('#!/bin/sh\nfor last; do :; done\n: > "$last"\n')
    os.chmod(program, stat.S_IRWXU)
    build_binary(program, folder / "3gram.arpa", folder / "bin", config.lm.binary)


def make_model(config: Config) -> None:
    options = dataclasses.asdict(config.model)
    create_model(options.pop("name"), 80, 30, options)


def train(config: Config, key: str) -> None:
    check_options(config.train)
    new_optimizer(torch.nn.Linear(2, 2), config.train)
    if key == "train.precision":
        choose_precision(config.train.precision, torch.device("cpu"))
    schedule_factor(
        config.train.schedule, 0, warmup_steps=1, total_steps=9, final_ratio=0.1
    )


def log(config: Config, folder: Path) -> None:
    choose_mode(config.log.wandb, {})
    off = dataclasses.replace(config.log, wandb="off")
    text_log(SimpleNamespace(config=dataclasses.replace(config, log=off)), folder)


def decode(config: Config, monkeypatch: Any) -> None:
    given = dataclasses.asdict(config.decode).items()  # the rest stage 7 chooses
    checked(SearchOptions(**{key: value for key, value in given if value is not None}))
    monkeypatch.setattr(graph_methods, "missing", lambda name: None)
    graph_methods.choose_backend(config.decode.hlg_backend)


def train_lm(config: Config, key: str) -> None:
    check_lm_options(config.neural_lm)
    new_optimizer(torch.nn.Linear(2, 2), config.neural_lm)
    if key in ("neural_lm.dropout", "neural_lm.dim") or "num" in key or "ff" in key:
        small = {"num_layers": 1} if config.neural_lm.num_layers > 1 else {}
        _new_model(9, dataclasses.replace(config.neural_lm, **small))


def rescore(config: Config, monkeypatch: Any) -> None:
    def not_here(name: str) -> None:
        raise RecipeError(f"rescore.lm={name}: not here")

    monkeypatch.setattr(huggingface, "import_module", not_here)
    huggingface.HuggingFaceLm("nowhere", config.rescore.case)


@functools.cache
def defaults(model: str) -> dict[str, Any]:
    return default_tree(model)


def said_about(key: str, model: str, value: Any, folder: Path, monkeypatch: Any) -> str:
    """What is said against a value of a key; empty if nothing is."""
    text = yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()
    settings = [f"{key}={text}", *COMPANIONS.get(key, [])]
    if model not in ("conformer",):
        settings = [s for s in settings if "num_heads" not in s]
    tree = copy.deepcopy(defaults(model))
    try:
        for setting in settings:
            apply_setting(tree, setting)
        use(build_config(tree), key, folder, monkeypatch)
    except RecipeError as error:
        return str(error) if key.rpartition(".")[2] in str(error) else ""
    return ""


CASES = list(limits())


@pytest.mark.parametrize(("key", "model", "limit", "whole"), CASES)
def test_values_at_the_limit_are_taken_and_beyond_it_refused(
    key: str, model: str, limit: str, whole: bool, tmp_path: Path, monkeypatch: Any
) -> None:
    good, bad = values(limit, whole)
    for value in good:
        assert not said_about(key, model, value, tmp_path, monkeypatch)
    for value in bad:
        assert said_about(key, model, value, tmp_path, monkeypatch), (value, limit)


def test_there_are_limits_to_probe() -> None:
    assert len(CASES) > 80
    assert values(">= 0, < 1", False) == ([0.0, 0.999], [-0.001, 1.0])
    assert values("2 to 6", True) == ([2, 6], [1, 7])
    assert values("a | b", False) == (["a", "b"], ["something"])
