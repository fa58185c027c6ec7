"""Checksums of files, and which files have been checked already."""

import hashlib
from pathlib import Path

from asr.atomic import write_text
from asr.progress import ByteMeter

CHUNK_BYTES = 1 << 20


def file_digest(path: Path, algorithm: str) -> str:
    """Return the hex digest of a file; ``algorithm`` as :mod:`hashlib` names it."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    meter = ByteMeter(f"checking {path.name}", path.stat().st_size)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            meter.add(len(chunk))
    return digest.hexdigest()


def remember(path: Path, checksum: str) -> None:
    """Note in a small file beside ``path`` that its checksum was found to be right."""
    write_text(_verified_file(path), _stamp(path, checksum))


def is_remembered(path: Path, checksum: str) -> bool:
    """Whether that was noted, and the file has the same size and time since."""
    note = _verified_file(path)
    return note.exists() and note.read_text() == _stamp(path, checksum)


def _verified_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.verified")


def _stamp(path: Path, checksum: str) -> str:
    status = path.stat()
    return f"{checksum} {status.st_size} {status.st_mtime_ns}\n"
