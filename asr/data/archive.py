"""Unpacking tar archives: safely, and whole or not at all."""

import gzip
import lzma
import os
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from asr.atomic import remove
from asr.errors import RecipeError
from asr.progress import ByteMeter

ADVICE = "delete it and run the same command again"
COMPRESSION_ERRORS = (zlib.error, gzip.BadGzipFile, lzma.LZMAError)


def unpack(archive: Path, folder: Path, wanted: str) -> None:
    """Unpack a tar (plain, gz, bz2, xz) into ``folder``.

    The members go to a temporary folder first and are then moved into place,
    ``folder/wanted`` last: if that is there, everything is. Files that are already
    in ``folder`` stay as they are.

    Raises:
        RecipeError: the archive is damaged, would write outside ``folder``, or does
            not hold ``wanted``.
    """
    print(f"unpacking {archive}", flush=True)
    temporary = folder / f".unpacking-{archive.name}"
    remove(temporary)
    try:
        temporary.mkdir()
        extract(archive, temporary)
        if not (temporary / wanted).exists():
            raise RecipeError(
                f"{archive}: does not hold {wanted}; is it the right archive? delete "
                "it and run the same command again"
            )
        _move(temporary, folder, temporary / wanted)
    finally:
        remove(temporary)


def extract(archive: Path, folder: Path, advice: str = ADVICE) -> None:
    """Write the files and folders of a tar (plain, gz, bz2, xz) into ``folder``.

    Args:
        advice: what to do about a damaged one.

    Raises:
        RecipeError: it is damaged, or would write elsewhere or what is no file.
    """
    try:
        with tarfile.open(archive) as tar:
            meter = ByteMeter(f"unpacking {archive.name}", None)
            for member in tar:
                _extract_member(tar, member, folder, archive)
                meter.add(member.size)
            _read_to_the_end(tar)
    except (tarfile.TarError, EOFError, *COMPRESSION_ERRORS) as error:
        raise RecipeError(
            f"{archive}: truncated or damaged ({error}); {advice}"
        ) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise RecipeError(  # bz2's
            f"{archive}: truncated or damaged ({error}); {advice}"
        ) from error


def _read_to_the_end(tar: tarfile.TarFile) -> None:
    """Read what follows the last member: only then is gzip's own checksum compared."""
    while tar.fileobj is not None and tar.fileobj.read(1 << 20):
        pass


def _extract_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, archive: Path
) -> None:
    """Write one file or folder; owners, modes and times are not taken over."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        raise RecipeError(f"{archive}: unsafe member name {member.name!r}")
    target = folder / name
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    content = tar.extractfile(member) if member.isreg() else None
    if content is None:
        raise RecipeError(
            f"{archive}: {member.name!r} is neither a file nor a folder; refused"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with content, open(target, "wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)


def _move(source: Path, target: Path, last: Path) -> None:
    """Move what ``source`` holds into ``target``, ``last`` after all the others."""

    def holds_last(entry: Path) -> bool:
        return entry == last or entry in last.parents

    for entry in sorted(source.iterdir(), key=lambda e: (holds_last(e), e.name)):
        place = target / entry.name
        if not place.exists():
            os.replace(entry, place)
        elif entry.is_dir() and place.is_dir():
            _move(entry, place, last)
