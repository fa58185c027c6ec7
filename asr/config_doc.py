"""docs/configuration.md, from the configuration's dataclasses and YAML files.

The explanations are the comments of the fields and the docstrings of their classes,
the defaults are those of ``conf/``.
"""

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from asr.config import MODELS, Archive, Config
from asr.config_load import ROOT, TRAINED_SECTIONS, default_tree, read_yaml
from asr.config_tree import flatten_tree
from asr.field_comments import FieldComment, field_comments

INTRODUCTION = """\
# Configuration

Every key, as `python -m asr config_reference` writes it from `asr/config.py`,
`asr/config_augment.py`, `conf/*.yaml` and `egs/*/corpus.yaml`; a test holds this page to
them.

Values come from [`conf/recipe.yaml`](../conf/recipe.yaml), then `conf/<model>.yaml`, then
`egs/<corpus>/corpus.yaml`, then its part `per_model: <model>:`, then `--set`, the later
before the earlier. The model is `--model`'s, or `default_model` of `corpus.yaml`, or a
Conformer:

    ./run.sh --corpus an4 --set "train.max_epochs=40 tune.lm_weights=[0.2,0.4,0.8]"

Values of `--set` are YAML without spaces, or quoted as in a shell; a list takes the place
of a whole list. A key that does not exist, or a value of another type, ends the command
at once with exit code 2; the line names the nearest key. What a run used, all of it
resolved, is in `exp/<corpus>/<model>/config.yaml`, and beside every result.

- **values**: the type and, behind it, what is taken, where something checks that:
  augmentation, `manifest` and `long_audio` at once, the others when they are used.
- **stages**: those that run again when the key is changed, since their own output depends
  on it; stages that read that output follow. Where no number stands, none does.
- Stages 7 to 9 take {trained}
  from the `config.yaml` of the trained model, whatever the YAML files say by then; `--set`
  still comes after that.
"""

OVERRIDES = """\
## What corpora change

The sections but `corpus`, whose keys are facts of each; in the column *model*, the changes
of `per_model`.
"""

# Options, names with underscores, Python files.
CODE = r"(?<![\w`/.-])(--[a-z-]+|\w+_\w+|[\w/]+\.py)(?![\w`/])"

TYPES = {int: "integer", float: "number", str: "text", bool: "true or false"}
TYPES |= {dict: "mapping", Archive: "mapping"}

Rerun = Callable[[str], str]


def reference(rerun: Rerun) -> str:
    """The whole page.

    Args:
        rerun: which stages run again when a key, such as ``fbank.dtype``, is changed.
    """
    trained = ", ".join(f"`{name}`" for name in TRAINED_SECTIONS[:-1])
    trained += f" and `{TRAINED_SECTIONS[-1]}`"
    parts = [INTRODUCTION.format(trained=trained)]
    for kind, prefix, model in sections():
        parts.append(_section(kind, prefix, flatten_tree(default_tree(model)), rerun))
    parts.append(OVERRIDES)
    parts += [_overrides(path) for path in sorted(ROOT.glob("egs/*/corpus.yaml"))]
    return "\n".join(parts)


def sections() -> Iterator[tuple[type, str, str]]:
    """(dataclass, prefix of its keys, model whose defaults hold), in the page's order.

    A dataclass within another one comes after it.
    """
    for field in dataclasses.fields(Config):
        if field.name == "model":
            yield from ((kind, "model", name) for name, kind in MODELS.items())
        else:
            hint = typing.get_type_hints(Config)[field.name]
            yield from _nested(hint, field.name)
            if field.name == "corpus":
                yield Archive, "corpus.archives", next(iter(MODELS))


def _nested(kind: type, prefix: str) -> Iterator[tuple[type, str, str]]:
    yield kind, prefix, next(iter(MODELS))
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from _nested(hints[field.name], f"{prefix}.{field.name}")


def _section(kind: type, prefix: str, defaults: Mapping[str, Any], rerun: Rerun) -> str:
    """A heading, the class's docstring and the table of its keys."""
    title = prefix
    if prefix == "model":
        title = f"model ({defaults['model.name']})"
    level = "###" if "." in prefix else "##"
    comments, hints = field_comments(kind), typing.get_type_hints(kind)
    rows = []
    for field in dataclasses.fields(kind):
        if not dataclasses.is_dataclass(hints[field.name]):
            key, said = f"{prefix}.{field.name}", comments[field.name]
            default = "" if kind is Archive else f"`{shown(defaults[key])}`"
            values, text = _values(hints[field.name], said), marked(said.text)
            rows.append([f"`{key}`", default, values, rerun(key), text])
    lines = [f"{level} {title}", "", marked(summary(kind)), ""]
    if rows:
        names = ["key", "default", "values", "stages", "meaning"]
        lines += [*_table(names, rows), ""]
    return "\n".join(lines)


def summary(kind: type) -> str:
    """The first paragraph of a class's docstring."""
    paragraph = (kind.__doc__ or "").strip().partition("\n\n")[0]
    return " ".join(paragraph.split())


def marked(text: str) -> str:
    """Text with code and links as Markdown has them."""
    text = re.sub(r"(?<!\S)(\w+\.md)\b", r"[\1](\1)", text.replace("``", "`"))
    return re.sub(CODE, r"`\g<0>`", text)


def _values(hint: Any, said: FieldComment) -> str:
    """The type of a key, and what is taken of it."""
    limits = said.limits.removeprefix("each ")
    choices = limits.split(" | ")
    if len(choices) > 1:
        named = ", ".join(f"`{choice}`" for choice in choices)
        return f"list of {named}" if typing.get_origin(hint) is tuple else named
    return ", ".join(filter(None, (type_name(hint), said.limits)))


def type_name(hint: Any) -> str:
    """``list of numbers``, ``text or null`` and the like."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return f"list of {TYPES[args[0]]}s"
    if origin in (types.UnionType, typing.Union):
        return f"{type_name(args[0])} or null"
    return TYPES[origin or hint]


def shown(value: Any) -> str:
    """A value as ``--set`` takes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    return str(value)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [names, ["---"] * len(names), *rows]
    return [f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines]


def _overrides(path: Path) -> str:
    """What a corpus's YAML says about the other sections."""
    corpus = read_yaml(path)
    corpus.pop("default_model", None)
    layers = {"": corpus, **corpus.pop("per_model", {})}
    rows = []
    for model, layer in layers.items():
        defaults = flatten_tree(default_tree(model or next(iter(MODELS))))
        for key, value in flatten_tree(layer).items():
            if not key.startswith("corpus."):
                values = (f"`{shown(v)}`" for v in (defaults[key], value))
                rows.append([f"`{key}`", model, *values])
    name = path.parent.name
    link = f"[`egs/{name}/corpus.yaml`](../egs/{name}/corpus.yaml)"
    lines = [f"### {name}", ""]
    if not rows:
        return "\n".join([*lines, f"{link} changes nothing.", ""])
    table = _table(["key", "model", "default", "here"], rows)
    return "\n".join([*lines, f"{link}:", "", *table, ""])
