"""Between the configuration's dataclasses and nested mappings of plain values."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from asr.config import MODELS, Config
from asr.errors import UsageError


def build_config(tree: Mapping[str, Any]) -> Config:
    """Check a nested mapping against the dataclasses.

    Raises:
        UsageError: unknown or missing key, or a value of the wrong type.
    """
    name = tree.get("model", {}).get("name", "")
    if name not in MODELS:
        raise UsageError(f"model.name is {name!r}: known are {', '.join(MODELS)}")
    config = _build(Config, tree, "", {"model": MODELS[name]})
    assert isinstance(config, Config)
    return config


def unknown_key(key: str, known: Iterator[str] | Sequence[str]) -> str:
    """Say that ``key`` is unknown and which one is nearest."""
    names = list(known)
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.0)
    return f"unknown key; the nearest known one is {near[0]}" if near else "unknown key"


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """Return ``{"fbank.dtype": "float16", ...}`` with plain JSON values."""
    flat: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            flat.update(flatten(value, f"{prefix}{field.name}."))
        else:
            flat[prefix + field.name] = plain(value)
    return flat


def flatten_tree(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The same of nested mappings; an empty mapping is a value."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            flat.update(flatten_tree(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def plain(value: Any) -> Any:
    """Turn dataclasses and tuples into the dicts and lists that YAML and JSON know."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)
        }
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def _build(
    kind: type, tree: Mapping[str, Any], where: str, override: Mapping[str, type]
) -> object:
    hints: dict[str, Any] = {**typing.get_type_hints(kind), **override}
    for key in tree:
        if key not in hints:
            raise UsageError(f"{where}{key}: {unknown_key(key, list(hints))}")
    values = {}
    for field in dataclasses.fields(kind):
        if field.name in tree:
            place = where + field.name
            values[field.name] = _convert(hints[field.name], tree[field.name], place)
        elif field.default is dataclasses.MISSING:
            raise UsageError(f"{where}{field.name}: missing in the configuration")
    try:
        return kind(**values)
    except ValueError as error:  # a value that the dataclass refuses, named by it
        raise UsageError(f"{where}{error}") from error


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        if isinstance(value, dict):
            return _build(typing.cast(type, hint), value, where + ".", {})
    elif origin is tuple:
        if isinstance(value, (list, tuple)):
            return tuple(_convert(args[0], v, where) for v in value)
    elif origin in (types.UnionType, typing.Union):
        inner = next(a for a in args if a is not type(None))
        return None if value is None else _convert(inner, value, where)
    elif origin is dict:
        if isinstance(value, dict):
            return value
    elif hint is float and type(value) in (int, float):
        return float(value)
    elif type(value) is hint:
        return value
    raise UsageError(f"{where}: {value!r} is not of type {_type_name(hint)}")


def _type_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)
