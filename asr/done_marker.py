"""What a done-marker holds, and what has changed since."""

import json
from pathlib import Path
from typing import Any

from asr.config_load import BEFORE, default_values


def read_marker(path: Path) -> dict[str, Any]:
    """Return what a marker holds; nothing if it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}  # damaged: the stage is simply not done
    return content if isinstance(content, dict) else {}


def changes(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Say in a few words what differs between two flat mappings; empty if nothing.

    A key that one of them is too old to have counts as the value that changes nothing.
    """
    old, new = {**_later(new, old), **old}, {**_later(old, new), **new}
    words = []
    for key in sorted(set(old) | set(new)):
        if old.get(key) != new.get(key):
            if "/" in key:  # an input file: its hash tells a reader nothing
                words.append(f"{key} changed")
            elif _are_files(old.get(key), new.get(key)):
                words.append(f"{key} changed ({_files(old.get(key), new.get(key))})")
            else:
                was, now = (_short(values.get(key)) for values in (old, new))
                words.append(f"{key} changed from {was} to {now}")
    more = f" and {len(words) - 3} more" if len(words) > 3 else ""
    return ", ".join(words[:3]) + more


def _later(other: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Values of the keys that ``other`` has and ``known`` is too old to have."""
    defaults = {**default_values(), **BEFORE}
    return {k: defaults[k] for k in other if k in defaults and k not in known}


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:36] + " ..."


def _are_files(*values: Any) -> bool:
    """Whether these are lists of [path, size, time], one of them not empty."""
    rows = [row for value in values if isinstance(value, list) for row in value]
    return bool(rows) and all(isinstance(row, list) and len(row) == 3 for row in rows)


def _files(old: Any, new: Any) -> str:
    """What became of the files of two such lists: how many, and the first of each."""
    was, now = ({row[0]: row[1:] for row in rows or []} for rows in (old, new))
    kinds = {
        "new": sorted(now.keys() - was.keys()),
        "gone": sorted(was.keys() - now.keys()),
        "other content": sorted(k for k in was.keys() & now.keys() if was[k] != now[k]),
    }
    return ", ".join(
        f"{len(names)} {kind}: {Path(names[0]).name}{' ...' if names[1:] else ''}"
        for kind, names in kinds.items()
        if names
    )
