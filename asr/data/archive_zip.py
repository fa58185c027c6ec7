"""Unpacking zip archives, as safely as tar archives."""

import re
import shutil
import stat
import struct
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from asr.data.archive import COMPRESSION_ERRORS
from asr.errors import RecipeError
from asr.folders import JUNK
from asr.progress import ByteMeter

UTF8_NAME = 0x800  # flag of a member
UNICODE_PATH = 0x7075  # extra field of Info-ZIP's, with the name in UTF-8


def extract_zip(archive: Path, folder: Path) -> None:
    """Write the files and folders of a zip into ``folder``.

    Every file's checksum is compared; modes and times are not taken over. What macOS
    keeps of attributes is left out.

    Raises:
        RecipeError: it is damaged, encrypted, larger than the disk has room for, or
            would write outside ``folder``, what is no file, or two files into one.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            members = dict(_members(content, archive))
            _check_room(sum(m.file_size for m in members.values()), folder, archive)
            meter = ByteMeter(f"unpacking {archive.name}", None)
            for name, member in members.items():
                _write(content, member, folder / name)
                meter.add(member.file_size)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise _damaged(archive, error) from error
    except COMPRESSION_ERRORS as error:
        raise _damaged(archive, error) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise _damaged(archive, error) from error  # bz2's


def _damaged(archive: Path, error: Exception) -> RecipeError:
    return RecipeError(
        f"{archive}: cut short, damaged, or packed in a way that is not known here "
        f"({error}); pack or fetch it again"
    )


def _members(
    content: zipfile.ZipFile, archive: Path
) -> Iterator[tuple[PurePosixPath, zipfile.ZipInfo]]:
    """Where each file and folder belongs, those of no use left out."""
    files: dict[PurePosixPath, zipfile.ZipInfo] = {}
    guessed = []
    for member in content.infolist():
        text, known = _name(member)
        name = PurePosixPath(text.replace("\\", "/"))  # as old Windows programs write
        if _is_junk(name.parts):
            continue
        _check(name, member, archive)
        first = files.setdefault(name, member)
        if (first.CRC, first.file_size) != (member.CRC, member.file_size):
            raise RecipeError(f"{archive}: holds two files called {str(name)!r}")
        if first is member:
            guessed += [] if known else [str(name)]
            yield name, member
    if guessed:
        print(
            f"note: {archive.name}: names are not in UTF-8, read as cp437: {guessed[0]}",
            flush=True,
        )


def _name(member: zipfile.ZipInfo) -> tuple[str, bool]:
    """A member's name, and whether its encoding is known.

    zipfile takes it for cp437 unless a flag says UTF-8; macOS and others write UTF-8
    without the flag.
    """
    if member.flag_bits & UTF8_NAME or member.orig_filename.isascii():
        return member.filename, True
    raw = member.orig_filename.encode("cp437").split(b"\0")[0]
    for candidate in (*_unicode_path(member.extra), raw):
        try:
            return candidate.decode("utf-8"), True
        except UnicodeDecodeError:
            continue
    return raw.decode("cp437"), False


def _unicode_path(extra: bytes) -> Iterable[bytes]:
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        if kind == UNICODE_PATH and 5 < size <= len(extra) - 4:
            yield extra[9 : 4 + size]  # after version and checksum
        extra = extra[4 + size :]


def _is_junk(parts: tuple[str, ...]) -> bool:
    last = parts[-1] if parts else ""
    return any(p.lower() in JUNK for p in parts) or last.startswith(("._", ".DS_Store"))


def _check(name: PurePosixPath, member: zipfile.ZipInfo, archive: Path) -> None:
    drive = re.match("[A-Za-z]:", str(name))
    if name.is_absolute() or drive or ".." in name.parts:
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
    if member.orig_filename.endswith(("/", "\\")):
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # A disk that knows no capitals would put two files into one.
    with content.open(member) as source, open(target, "xb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
