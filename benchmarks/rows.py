"""The rows of a study: a base row, and others that change a few settings of it."""

import hashlib
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.config import Config
from asr.config_load import ROOT, load_config, read_yaml
from asr.config_tree import flatten, unknown_key
from asr.errors import UsageError
from asr.job import DECODERS

# Rows with the same of these share manifests, features and n-grams.
DATA_KEYS = ("corpus.", "manifest.", "fbank.", "lm.", "tokenizer.lexicon")
PREPARE = ("download", "manifests", "fbank", "tokenizer", "lm", "graph")
STAGES = (*PREPARE, "train", "tune", "decode", "score")
STUDY_KEYS = ("corpus", "decoders", "epochs", "ctc_share", "base", "rows")
ROW_KEYS = ("about", "model", "epochs", "set")


@dataclass(frozen=True)
class Row:
    """One training and what it is decoded with.

    Attributes:
        about: what is special, in a few words.
        settings: ``section.key=value`` items, as of ``--set``.
        config: what these make of the corpus's configuration.
    """

    name: str
    about: str
    model: str
    settings: tuple[str, ...]
    config: Config

    @property
    def data_name(self) -> str:
        """Of the data folder, the same for rows that can share it."""
        flat = flatten(self.config)
        facts = {key: flat[key] for key in flat if key.startswith(DATA_KEYS)}
        text = json.dumps(facts, sort_keys=True)
        return "rows-" + hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Study:
    """All rows of a YAML file."""

    name: str
    corpus: str
    decoders: tuple[str, ...]
    rows: tuple[Row, ...]


def load_study(path: Path, epochs: int | None, extra: Sequence[str]) -> Study:
    """Read the YAML and resolve every row with the recipe's own configuration.

    Args:
        epochs: of the base row, instead of the YAML's.
        extra: settings that come after each row's own.

    Raises:
        UsageError: an unknown key, model, decoder or value.
    """
    tree = read_yaml(path)
    _check_keys(tree, STUDY_KEYS, str(path))
    missing = [key for key in STUDY_KEYS if key not in tree]
    if missing:
        raise UsageError(f"{path}: {', '.join(missing)} missing")
    _check_keys(tree["base"], ROW_KEYS, f"{path}: base")
    unknown = set(tree["decoders"]) - set(DECODERS)
    if unknown:
        raise UsageError(f"{path}: unknown decoders {', '.join(sorted(unknown))}")
    rows = []
    for name, own in tree["rows"].items():
        _check_keys(own or {}, ROW_KEYS, f"{path}: row {name}")
        merged = {**tree["base"], **(own or {})}
        merged["set"] = {**tree["base"].get("set", {}), **(own or {}).get("set", {})}
        total = _epochs(name, epochs or tree["epochs"], merged.get("epochs", 1.0))
        rows.append(_resolve(tree, name, merged, total, extra))
    return Study(path.stem, tree["corpus"], tuple(tree["decoders"]), tuple(rows))


def _epochs(name: str, base: int, factor: object) -> int:
    if not isinstance(factor, int | float) or not factor > 0 or not base > 0:
        raise UsageError(f"row {name}: epochs {base} times {factor!r}: above 0 each")
    return max(1, round(base * factor))


def _resolve(
    tree: Mapping[str, Any],
    name: str,
    row: Mapping[str, Any],
    epochs: int,
    extra: Sequence[str],
) -> Row:
    preliminary = round(tree["ctc_share"] * epochs)  # CTC alone does not read it
    values = {"train.max_epochs": epochs, "train.mmi.ctc_epochs": preliminary}
    values |= row["set"]
    items = (*(f"{key}={json.dumps(value)}" for key, value in values.items()), *extra)
    try:
        config = load_config(ROOT / "egs" / tree["corpus"], row["model"], items)
    except UsageError as error:
        raise UsageError(f"row {name}: {error}") from error
    return Row(name, row.get("about", name), row["model"], items, config)


def _check_keys(tree: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in tree:
        if key not in known:
            raise UsageError(f"{where}: {key}: {unknown_key(key, known)}")


def choose_rows(study: Study, names: str) -> tuple[Row, ...]:
    """The rows called ``a,b``, in the study's order; all for an empty string.

    Raises:
        UsageError: a row that there is not.
    """
    wanted = [name for name in names.split(",") if name]
    known = [row.name for row in study.rows]
    for name in wanted:
        if name not in known:
            raise UsageError(f"--rows {name}: known are {', '.join(known)}")
    return tuple(row for row in study.rows if not wanted or row.name in wanted)


def stage_command(
    study: Study, row: Row, stage: str, folders: Mapping[str, Path], nj: int
) -> list[str]:
    """The recipe's own command; dev is decoded and scored as the test sets are.

    Args:
        folders: of ``download``, and of this row's ``data`` and ``exp``.
    """
    settings = row.settings
    if stage in ("decode", "score"):
        settings = (*settings, f"corpus.test_sets={json.dumps(scored_sets(row))}")
    command = [sys.executable, "-m", "asr", stage]
    command += ["--corpus", study.corpus, "--model", row.model, "--nj", str(nj)]
    for name, folder in folders.items():
        command += [f"--{name}-dir", str(folder)]
    command += ["--decoders", " ".join(study.decoders)]
    return [*command, "--set", shlex.join(settings)]


def scored_sets(row: Row) -> list[str]:
    """Dev, and the corpus's test sets."""
    return ["dev", *row.config.corpus.test_sets]
