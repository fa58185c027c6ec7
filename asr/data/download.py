"""Downloads that resume, are checked, and are unpacked whole or not at all."""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from asr.atomic import remove, write_text
from asr.data.archive import unpack
from asr.data.progress import Meter
from asr.errors import RecipeError

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60.0
ATTEMPTS = 5  # in a row without a single byte
NETWORK_ERRORS = (OSError, http.client.HTTPException)
HOPELESS = (400, 401, 403, 404, 410)  # statuses that another try does not change


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


Sleep = Callable[[float], None]


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
    if _remembered(archive, source):
        return
    print(f"{archive}: checking its {source.algorithm}", flush=True)
    got = _digest(archive, source.algorithm)
    if got != source.checksum:
        raise RecipeError(
            f"{archive}: truncated or damaged ({archive.stat().st_size} bytes): "
            f"{source.algorithm} {source.checksum} expected, got {got}; delete the "
            "file and run stage 0 again to download it"
        )
    _remember(archive, source)


def fetch(archive: Path, source: Source, sleep: Sleep = time.sleep) -> None:
    """Download to ``<archive>.part``, resuming; rename when the checksum is right.

    Raises:
        RecipeError: the server cannot be reached or has another file.
    """
    part = archive.with_name(archive.name + ".part")
    archive.parent.mkdir(parents=True, exist_ok=True)
    resumed = part.exists()
    _download(part, source, sleep)
    got = _digest(part, source.algorithm)
    if got != source.checksum and resumed:
        # The beginning may come from another version of the file: once from scratch.
        print(f"{archive}: the resumed download is damaged, from the start", flush=True)
        _forget(part)
        _download(part, source, sleep)
        got = _digest(part, source.algorithm)
    if got != source.checksum:
        size = part.stat().st_size
        _forget(part)
        raise RecipeError(
            f"{source.url}: {source.algorithm} {source.checksum} expected, got {got} "
            f"({size} bytes); the download is deleted: run stage 0 again, or put the "
            f"right file at {archive}"
        )
    os.replace(part, archive)
    _forget(part)
    _remember(archive, source)


def _download(part: Path, source: Source, sleep: Sleep) -> None:
    """Fetch until the server says that there is no more, with growing pauses."""
    failures = 0
    while True:
        before = _size(part)
        try:
            _continue(part, source.url)
            return
        except urllib.error.HTTPError as error:
            if error.code in HOPELESS:
                raise _unreachable(part, source, error) from error
            problem: Exception = error
        except urllib.error.URLError as error:
            problem = error  # other OSErrors are the local file's: a full disk
        failures = 0 if _size(part) > before else failures + 1
        if failures >= ATTEMPTS:
            raise _unreachable(part, source, problem)
        pause = min(2.0**failures, 30.0)
        print(f"{source.url}: {_why(problem)}; again in {pause:.0f} s", flush=True)
        sleep(pause)


def _continue(part: Path, url: str) -> None:
    """Ask for what is missing and append it; start again if the server insists."""
    offset = _size(part)
    request = urllib.request.Request(url, headers=_range_headers(part, offset))
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416 and offset > 0:
            return  # nothing left to send; the checksum decides
        raise
    except NETWORK_ERRORS as error:
        raise urllib.error.URLError(str(_reason(error))) from error
    with response:
        if response.status != 206 or not _starts_at(response, offset):
            offset = 0
        _note_version(part, response)
        length = response.headers.get("Content-Length")
        total = offset + int(length) if length else None
        _append(response, part, offset, total)
        if total is not None and _size(part) < total:
            raise urllib.error.URLError("the connection broke off")


def _append(
    response: http.client.HTTPResponse, part: Path, offset: int, total: int | None
) -> None:
    meter = Meter(part.name.removesuffix(".part"), total, offset)
    with open(part, "r+b" if offset else "wb") as file:
        file.seek(offset)
        while chunk := _receive(response):
            file.write(chunk)
            meter.add(len(chunk))


def _receive(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(CHUNK_BYTES)
    except NETWORK_ERRORS as error:
        raise urllib.error.URLError(str(_reason(error))) from error


def _reason(problem: Exception) -> object:
    """What urllib wraps, or the exception's own words; some have none."""
    inner = getattr(problem, "reason", None)
    return inner or str(problem) or type(problem).__name__


def _range_headers(part: Path, offset: int) -> dict[str, str]:
    headers = {"User-Agent": "asr-recipe"}
    if offset > 0:
        headers["Range"] = f"bytes={offset}-"
        version = _version_file(part)
        if version.exists():  # resume only if the server's file is still the same one
            headers["If-Range"] = version.read_text(encoding="utf-8").strip()
    return headers


def _note_version(part: Path, response: http.client.HTTPResponse) -> None:
    etag = response.headers.get("ETag") or ""
    version = response.headers.get("Last-Modified") if etag[:2] == "W/" else etag
    if version:
        write_text(_version_file(part), version + "\n")
    else:
        remove(_version_file(part))


def _starts_at(response: http.client.HTTPResponse, offset: int) -> bool:
    return (response.headers.get("Content-Range") or "").startswith(f"bytes {offset}-")


def _version_file(part: Path) -> Path:
    return part.with_name(part.name + ".version")


def _forget(part: Path) -> None:
    remove(part)
    remove(_version_file(part))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _unreachable(part: Path, source: Source, problem: Exception) -> RecipeError:
    return RecipeError(
        f"{source.url}: cannot be downloaded ({_why(problem)}); run stage 0 again to go on "
        f"from here, or download it by hand into {part.parent}"
    )


def _why(problem: Exception) -> str:
    return f"{getattr(problem, 'code', '')} {_reason(problem)}".strip()


def _digest(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    meter = Meter(f"checking {path.name}", path.stat().st_size)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            meter.add(len(chunk))
    return digest.hexdigest()


def _remember(archive: Path, source: Source) -> None:
    write_text(_verified_file(archive), _stamp(archive, source))


def _remembered(archive: Path, source: Source) -> bool:
    path = _verified_file(archive)
    return path.exists() and path.read_text() == _stamp(archive, source)


def _verified_file(archive: Path) -> Path:
    return archive.with_name(f".{archive.name}.verified")


def _stamp(archive: Path, source: Source) -> str:
    status = archive.stat()
    return f"{source.checksum} {status.st_size} {status.st_mtime_ns}\n"
