"""Utterance ids of a user's files: short, without spaces, each once.

A file's id is its name without suffix, as long as no other file has the same one.
Files that share it get the folders in front (``monday_intro``), then the suffix
(``intro.wav``), and if all of that is the same a number.
"""

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

MOST_BYTES = 200  # a file system allows 255, with a suffix and for a temporary name


@dataclass(frozen=True)
class Name:
    """What a recording is called.

    Attributes:
        id: in ``text``, CTM and tables: valid UTF-8 without white space.
        file: of its prediction, without ``.txt``: the user's own spelling.
    """

    id: str
    file: str


def name_files(paths: Sequence[PurePath]) -> dict[PurePath, Name]:
    """Name the files of a folder, given relative to it."""
    paths = sorted(paths, key=os.fsencode)
    level = dict.fromkeys(paths, 0)
    while True:
        names = {path: _candidate(path, level[path]) for path in paths}
        counts = Counter(plain_id(name) for name in names.values())
        shared = [p for p in paths if counts[plain_id(names[p])] > 1 and level[p] < 2]
        if not shared:
            return _numbered(names)
        lowest = min(level[path] for path in shared)
        for path in shared:
            level[path] += level[path] == lowest


def plain_id(name: str) -> str:
    """A file name as an id: composed characters, no white space, valid UTF-8.

    Bytes that are no UTF-8 are written out as ``\\\\xff``.
    """
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "_".join(unicodedata.normalize("NFC", text).split()) or "_"


def _candidate(path: PurePath, level: int) -> str:
    name = path.stem if level < 2 else path.name
    if level > 0:
        name = "_".join([*path.parent.parts, name])
    encoded = os.fsencode(name)
    if len(encoded) <= MOST_BYTES:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return f"{os.fsdecode(encoded[: MOST_BYTES - 9])}_{digest}"


def _numbered(names: dict[PurePath, str]) -> dict[PurePath, Name]:
    """Tell apart what is still called the same."""
    taken: set[str] = set()
    found = {}
    for path, name in names.items():
        number, unique = 1, name
        while plain_id(unique) in taken:
            number += 1
            unique = f"{name}_{number}"
        taken.add(plain_id(unique))
        found[path] = Name(plain_id(unique), unique)
    return found


def shown(path: PurePath | str) -> str:
    """A path that can be printed, whatever bytes it has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
