"""Audio that a set's tables or manifests name, wherever it lies."""

import gzip
import json
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from asr.text.encoding import EncodingError, decode

# Of a recording in lhotse's manifests: a path, or a command.
SOURCE = re.compile(r'"source": *("(?:[^"\\]|\\.)*")')


def bases_of(folder: Path) -> tuple[Path, ...]:
    """Where relative paths of a set's tables are looked for, one after the other."""
    download_dir = folder.parent
    return (folder, download_dir, download_dir.resolve().parent, Path.cwd())


def manifest_files(folder: Path) -> list[Path]:
    """Files that may be lhotse manifests."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.name.endswith((".jsonl", ".jsonl.gz")) and path.name[0] != "."
    )


def files_elsewhere(folder: Path) -> list[str]:
    """The files outside of a set's folder that it names; what is damaged names none."""
    if not folder.is_dir():
        return []
    bases, found = bases_of(folder), set[str]()
    for entry in _entries(folder):
        words = entry.removesuffix("|").split() if entry.endswith("|") else [entry]
        found.update(filter(None, (_file(word, bases) for word in words)))
    inside = os.path.realpath(folder) + os.sep
    return sorted(p for p in found if not os.path.realpath(p).startswith(inside))


def _entries(folder: Path) -> Iterator[str]:
    """What ``wav.scp`` and the manifests have for a recording's place."""
    if (folder / "wav.scp").is_file():
        for line in _text((folder / "wav.scp").read_bytes()).split("\n"):
            yield "".join(line.split(maxsplit=1)[1:]).strip()
        return
    for path in manifest_files(folder):
        content = path.read_bytes()
        try:
            plain = gzip.decompress(content) if path.suffix == ".gz" else content
        except (OSError, EOFError, zlib.error):
            continue  # stage 1 says so
        for match in SOURCE.finditer(plain.decode("utf-8", "replace")):
            yield json.loads(match[1])


def _text(content: bytes) -> str:
    """Of a table; what is wrong with it, stage 1 says."""
    try:
        return decode(content)[0]
    except EncodingError:
        return content.decode("utf-8", "replace")


def _file(name: str, bases: Sequence[Path]) -> str | None:
    places = (os.path.join(base, name) for base in bases)
    return next((place for place in places if os.path.isfile(place)), None)
