"""A folder that ``--test-dir`` takes, from a link: Google Drive, the web, or a path."""

import hashlib
import os
import re
import shutil
import tarfile
import time
import urllib.parse
import zipfile
from pathlib import Path

from asr.atomic import atomic_path, remove
from asr.data.archive import extract
from asr.data.archive_zip import extract_zip
from asr.data.drive import Install, fetch_from_drive, is_drive
from asr.data.transfer import Sleep, forget, transfer
from asr.data.user_folder import READABLE, audio_root, find_audio
from asr.errors import RecipeError, UsageError
from asr.folders import is_hidden, list_files, subfolder

MARKER = ".fetched-from"  # in the folder: the link, and which version of a local file
DEPTH = 3  # folders down to which audio/ is looked for


def fetch_audio(
    link: str,
    dest: Path,
    requirements: Path,
    sleep: Sleep = time.sleep,
    install: Install | None = None,
) -> bool:
    """Make ``dest`` a folder with the audio, and the transcriptions, that ``link`` names.

    Args:
        link: of a file or folder on Google Drive, of an archive (tar, zip) or a sound
            file on the web, or the path of a folder, an archive or a sound file.
            The files of a local folder are linked, not copied.
        dest: replaced where it is what another link gave.
        requirements: pip's file that brings gdown.
        sleep, install: for tests.

    Returns:
        False where ``dest`` was there already.

    Raises:
        RecipeError: it cannot be had, or holds no audio.
        UsageError: ``link`` is none, or ``dest`` is something else.
    """
    link = link.strip().strip("'\"")
    source = describe(link)
    old = _check_dest(dest, link)
    local_folder = "://" not in link and Path(link).expanduser().is_dir()
    if old == source and not local_folder:
        return False
    with atomic_path(dest) as partial:
        partial.mkdir()
        if local_folder:
            _link_entries(find_root(Path(link).expanduser().resolve()), partial)
        else:
            _bring(link, dest, partial, requirements, sleep, install)
        find_audio(audio_root(partial))
        (partial / MARKER).write_text(source, encoding="utf-8")
    return True


def describe(link: str) -> str:
    """The link; of a local file also what tells its versions apart.

    Raises:
        UsageError: nothing that could be fetched.
    """
    if "://" in link:
        if not re.match(r"https?://[^/]", link):
            raise UsageError(f"{link}: an http(s) link, or a path on this machine")
        return link
    path = Path(link).expanduser()
    if not link or not path.exists():
        raise UsageError(
            f"{link or 'an empty link'}: no such file or folder here; give a link to "
            "Google Drive, an https link to an archive, or a path on this machine"
        )
    status = path.stat()
    return f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"


def find_root(folder: Path) -> Path:
    """Where in an unpacked archive, or a folder, the recordings are.

    The parent of the topmost ``audio/``, if there is one such; else the folder itself,
    or the single one in it that holds everything.
    """
    level = [folder]
    for _ in range(DEPTH):
        inside = [entry for place in level for entry in _visible(place)]
        level = [entry for entry in inside if entry.is_dir()]
        named = [entry for entry in level if _is_audio(entry)]
        if len(named) == 1:
            return named[0].parent
    entries = _visible(folder)
    while len(entries) == 1 and entries[0].is_dir() and not _is_audio(entries[0]):
        folder = entries[0]
        entries = _visible(folder)
    return folder


def _visible(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if not is_hidden(p.name))


def _is_audio(folder: Path) -> bool:
    return folder.name.lower() == "audio"


def _check_dest(dest: Path, link: str) -> str | None:
    """What ``dest`` was fetched from, None where it is new.

    Raises:
        UsageError: it is there, and was not fetched.
    """
    marker = dest / MARKER
    if marker.is_file():
        return marker.read_text(encoding="utf-8")
    if dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise UsageError(
            f"{dest}: is there, and was not fetched from a link; name another folder "
            f"for {link}"
        )
    return None


def _link_entries(root: Path, partial: Path) -> None:
    """Link what is in a local folder: its two folders, or all that it holds."""
    two = [subfolder(root, name) for name in ("audio", "transcriptions")]
    for entry in _visible(root):
        if not two[0].is_dir() or entry in two:
            (partial / entry.name).symlink_to(entry)


def _bring(
    link: str,
    dest: Path,
    partial: Path,
    requirements: Path,
    sleep: Sleep,
    install: Install | None,
) -> None:
    """Fetch and unpack below ``partial``, then move the recordings to its top."""
    raw = partial / ".raw"
    raw.mkdir()
    if is_drive(link):
        fetch_from_drive(link, raw, requirements, install)
        _unpack_single(raw)
    elif "://" in link:
        digest = hashlib.sha256(link.encode()).hexdigest()[:12]
        part = dest.with_name(f".{dest.name}-{digest}.part")
        transfer(link.replace(" ", "%20"), part, sleep)
        try:
            _take(part, _name_of(link), link, raw)
        finally:
            forget(part)
    else:
        path = Path(link).expanduser()
        _take(path, path.name, link, raw)
    for entry in _visible(find_root(raw)):
        os.replace(entry, partial / entry.name)
    shutil.rmtree(raw)


def _name_of(link: str) -> str:
    return urllib.parse.unquote(urllib.parse.urlsplit(link).path).split("/")[-1]


def _unpack_single(folder: Path) -> None:
    """Unpack the one archive that came, where no audio did."""
    files = list_files(folder).files
    if len(files) == 1 and files[0].suffix.lower() not in READABLE:
        place = folder.with_name(".packed")
        os.replace(folder, place)
        folder.mkdir()
        packed = place / files[0].relative_to(folder)
        _take(packed, packed.name, packed.name, folder)
        remove(place)


def _take(path: Path, name: str, said: str, folder: Path) -> None:
    """Unpack an archive, or copy a sound file, into ``folder``.

    Raises:
        RecipeError: it is neither.
    """
    if Path(name).suffix.lower() in READABLE:
        (folder / "audio").mkdir()
        shutil.copyfile(path, folder / "audio" / name)
    elif zipfile.is_zipfile(path):
        print(f"unpacking {name}", flush=True)
        extract_zip(path, folder)
    elif tarfile.is_tarfile(path):
        print(f"unpacking {name}", flush=True)
        extract(path, folder, "pack or fetch it again")
    else:
        with open(path, "rb") as file:
            page = file.read(200).lstrip().startswith(b"<")
        what = (
            "leads to a web page; give the link that downloads the file itself"
            if page
            else "neither an archive (.zip, .tar, .tar.gz, .tar.xz) nor a sound file, or "
            "cut short"
        )
        raise RecipeError(f"{said}: {what}")
