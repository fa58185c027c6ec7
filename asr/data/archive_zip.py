"""Unpacking zip archives, as safely as tar archives."""

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from asr.errors import RecipeError
from asr.progress import ByteMeter

JUNK = ("__MACOSX",)  # macOS puts its own attributes there


def extract_zip(archive: Path, folder: Path) -> None:
    """Write the files and folders of a zip into ``folder``.

    Every file's checksum is compared; modes and times are not taken over.

    Raises:
        RecipeError: it is damaged, encrypted, larger than the disk has room for, or
            would write outside ``folder`` or what is no file.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            members = [m for m in content.infolist() if not _junk(m)]
            for member in members:
                _check(member, archive)
            _check_room(sum(m.file_size for m in members), folder, archive)
            meter = ByteMeter(f"unpacking {archive.name}", None)
            for member in members:
                _write(content, member, folder / member.filename)
                meter.add(member.file_size)
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError) as error:
        raise RecipeError(
            f"{archive}: cut short, damaged, or packed in a way that is not known here "
            f"({error}); pack or fetch it again"
        ) from error


def _junk(member: zipfile.ZipInfo) -> bool:
    return PurePosixPath(member.filename).parts[:1] == JUNK


def _check(member: zipfile.ZipInfo, archive: Path) -> None:
    name = PurePosixPath(member.filename)
    if name.is_absolute() or ".." in name.parts:
        raise RecipeError(f"{archive}: unsafe member name {member.filename!r}")
    kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where no Unix has packed it
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise RecipeError(
            f"{archive}: {member.filename!r} is neither a file nor a folder; refused"
        )
    if member.flag_bits & 1:
        raise RecipeError(f"{archive}: has a password; pack it again without one")


def _check_room(needed: int, folder: Path, archive: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise RecipeError(
            f"{archive}: holds {needed / 1e9:.1f} GB and {folder.parent} has "
            f"{free / 1e9:.1f} GB free; free some space"
        )


def _write(content: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with content.open(member) as source, open(target, "wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
