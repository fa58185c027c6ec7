"""Read the YAML files and ``--set`` into a :class:`asr.config.Config`."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from asr.config import MODELS, Config
from asr.config_tree import build_config, flatten_tree, unknown_key
from asr.errors import RecipeError, UsageError

ROOT = Path(__file__).resolve().parent.parent
# What a trained model depends on: stages 7 to 9 take these from the experiment.
TRAINED_SECTIONS = ("manifest", "fbank", "tokenizer", "model", "train")

# What decoding with a finished model depends on: the rest of its configuration is of the
# training, and may have keys that only a later version knows.
MODEL_SECTIONS = ("corpus", "fbank", "tokenizer", "lm", "model", "decode")

# Keys whose default changes what was done before there was the key. A file that is too
# old to have one means this value; any other key that it lacks changes nothing by default.
BEFORE = {"fbank.level": None}


def load_config(
    corpus_dir: Path, model: str, settings: Sequence[str], trained: Path | None = None
) -> Config:
    """Resolve the configuration of one run.

    Args:
        corpus_dir: ``egs/<corpus>``.
        model: a key of :data:`asr.config.MODELS`.
        settings: ``section.key=value`` items, values in YAML.
        trained: ``config.yaml`` of a finished training, which decides
            ``TRAINED_SECTIONS`` before ``settings`` do.

    Raises:
        UsageError: an unknown key, a value of the wrong type, an unreadable file.
    """
    if model not in MODELS:
        raise UsageError(f"--model {model}: known models are {', '.join(MODELS)}")
    corpus = read_yaml(corpus_dir / "corpus.yaml")
    corpus.pop("default_model", None)
    per_model = corpus.pop("per_model", {}).get(model, {})
    tree = default_tree(model)
    for layer in (corpus, per_model):
        merge(tree, layer)
    if trained is not None and trained.exists():
        saved = read_yaml(trained)
        tree.update(trained_sections(saved, model))
    for item in settings:
        apply_setting(tree, item)
    return build_config(tree)


def default_model(corpus_dir: Path) -> str:
    """The model that is trained where none is named: the corpus's, or the first.

    Raises:
        UsageError: ``default_model`` of the corpus is none.
    """
    path = corpus_dir / "corpus.yaml"
    name = read_yaml(path).get("default_model", next(iter(MODELS)))
    if name not in tuple(MODELS):  # of any type
        raise UsageError(f"{path}: default_model {name!r} is not {', '.join(MODELS)}")
    return str(name)


def load_model_config(path: Path, settings: Sequence[str]) -> Config:
    """The configuration that a finished model folder holds.

    Args:
        path: its ``config.yaml``, as resolved where the model was made.
        settings: ``section.key=value`` items, values in YAML.

    Raises:
        UsageError: an unknown key, a value of the wrong type, an unreadable file.
    """
    saved = read_yaml(path)
    model = saved.get("model", {}).get("name", "")
    if model not in MODELS:
        raise UsageError(f"{path}: model.name is {model!r}, not {', '.join(MODELS)}")
    tree = earlier_tree(model)
    for section in MODEL_SECTIONS:
        merge(tree, {section: saved.get(section, {})})
    for item in settings:
        apply_setting(tree, item)
    return build_config(tree)


def trained_sections(saved: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Take a trained model's sections from its ``config.yaml``.

    Keys that the file is too old to have get the value that changes nothing.
    """
    tree = earlier_tree(model)
    merge(tree, {key: saved[key] for key in TRAINED_SECTIONS if key in saved})
    return {key: tree[key] for key in TRAINED_SECTIONS if key in saved}


def default_tree(model: str) -> dict[str, Any]:
    """Values of ``conf/recipe.yaml`` and ``conf/<model>.yaml``."""
    tree: dict[str, Any] = {}
    for name in ("recipe", model):
        merge(tree, read_yaml(ROOT / "conf" / f"{name}.yaml"))
    return tree


def earlier_tree(model: str) -> dict[str, Any]:
    """The same for what was made before some of the keys: they change nothing."""
    tree = default_tree(model)
    for key, value in BEFORE.items():
        section, _, name = key.partition(".")
        tree[section][name] = value
    return tree


@functools.cache
def default_values() -> dict[str, Any]:
    """Values of ``conf/recipe.yaml`` by flat key, such as ``fbank.dtype``."""
    return flatten_tree(read_yaml(ROOT / "conf" / "recipe.yaml"))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping.

    Raises:
        RecipeError: no such file, no YAML, or not a mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise UsageError(f"{path}: not valid YAML: {problem}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: a YAML mapping is expected at the top")
    return content


class _Loader(yaml.SafeLoader):
    """YAML 1.2's numbers and words: PyYAML alone reads 2e-3 as text, off as false."""

    yaml_implicit_resolvers = {
        first: [(tag, form) for tag, form in rules if not tag.endswith(":bool")]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(true|True|TRUE|false|False|FALSE)$"), "tTfF"
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def merge(tree: dict[str, Any], layer: Mapping[str, Any]) -> None:
    """Lay ``layer`` over ``tree``: mappings key by key, anything else whole."""
    for key, value in layer.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            merge(tree[key], value)
        else:
            tree[key] = value


def apply_setting(tree: dict[str, Any], item: str) -> None:
    """Apply one ``a.b=value`` of ``--set``; the key has to be in the YAML already.

    Raises:
        UsageError: not of that form, or a key that no YAML file has.
    """
    key, equals, text = item.partition("=")
    if not equals or not key:
        raise UsageError(f"--set {item}: the form is section.key=value")
    *parents, last = key.split(".")
    node: Any = tree
    for name in parents:
        node = node.get(name) if isinstance(node, dict) else None
    if not isinstance(node, dict) or last not in node:
        raise UsageError(f"--set {key}: {unknown_key(key, leaves(tree))}")
    if isinstance(node[last], dict):
        raise UsageError(f"--set {key}: this is a section; name one of its keys")
    try:
        node[last] = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise UsageError(f"--set {item}: the value is not valid YAML") from error


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """All dotted keys of a nested mapping."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key
