"""Archives of a corpus: downloaded, checked, and unpacked whole or not at all."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from asr.data.archive import unpack
from asr.data.checksum import file_digest, is_remembered, remember
from asr.data.transfer import Sleep, forget, transfer
from asr.errors import RecipeError


@dataclass(frozen=True)
class Source:
    """One archive.

    Attributes:
        file: its name in the download folder.
        unpacked: the file or folder, relative to the download folder, that is there
            once it is unpacked; the same as ``file`` for what needs no unpacking.
        algorithm, checksum: ``sha256`` or ``md5``, and the expected hex digest.
    """

    file: str
    url: str
    unpacked: str
    algorithm: str
    checksum: str


def provide(folder: Path, source: Source, sleep: Sleep = time.sleep) -> None:
    """Make sure that ``folder/source.unpacked`` is there.

    Nothing is done where it is, and nothing is downloaded where the archive is. An
    archive's checksum is remembered in a small file beside it.

    Raises:
        RecipeError: the archive cannot be had, is damaged, or lacks ``unpacked``.
    """
    archive, target = folder / source.file, folder / source.unpacked
    if target != archive and target.exists():
        print(f"{target}: already there", flush=True)
        return
    if archive.exists():
        verify(archive, source)
    else:
        fetch(archive, source, sleep)
    if target != archive:
        unpack(archive, folder, source.unpacked)


def verify(archive: Path, source: Source) -> None:
    """Check an archive that was found, once.

    Raises:
        RecipeError: the checksum is not the expected one.
    """
    if is_remembered(archive, source.checksum):
        return
    print(f"{archive}: checking its {source.algorithm}", flush=True)
    got = file_digest(archive, source.algorithm)
    if got != source.checksum:
        raise RecipeError(
            f"{archive}: truncated or damaged ({archive.stat().st_size} bytes): "
            f"{source.algorithm} {source.checksum} expected, got {got}; delete the "
            "file and run the same command again to download it, or correct the "
            "checksum in corpus.yaml"
        )
    remember(archive, source.checksum)


def fetch(archive: Path, source: Source, sleep: Sleep = time.sleep) -> None:
    """Download to ``<archive>.part``, resuming; rename when the checksum is right.

    Raises:
        RecipeError: the server cannot be reached or has another file.
    """
    part = archive.with_name(archive.name + ".part")
    archive.parent.mkdir(parents=True, exist_ok=True)
    resumed = part.exists()
    transfer(source.url, part, sleep)
    got = file_digest(part, source.algorithm)
    if got != source.checksum and resumed:
        # The beginning may come from another version of the file: once from scratch.
        print(f"{archive}: the resumed download is damaged, from the start", flush=True)
        forget(part)
        transfer(source.url, part, sleep)
        got = file_digest(part, source.algorithm)
    if got != source.checksum:
        size = part.stat().st_size
        forget(part)
        raise RecipeError(
            f"{source.url}: {source.algorithm} {source.checksum} expected, got {got} "
            f"({size} bytes); the download is deleted: run the same command again, or put the "
            f"right file at {archive}"
        )
    os.replace(part, archive)
    forget(part)
    remember(archive, source.checksum)
