"""One file over HTTP, resumed where it broke off (RFC 9110, range requests).

Bytes are appended to a ``.part`` file. Beside it a ``.version`` file keeps what the
server calls the version of its file, so that two versions are not mixed.
"""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from asr.atomic import remove, write_text
from asr.errors import RecipeError
from asr.progress import ByteMeter

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60.0
ATTEMPTS = 5  # in a row without a single byte
NETWORK_ERRORS = (OSError, http.client.HTTPException)
HOPELESS = (400, 401, 403, 404, 410)  # statuses that another try does not change

Sleep = Callable[[float], None]


def transfer(url: str, part: Path, sleep: Sleep = time.sleep) -> None:
    """Fetch until the server says that there is no more, with growing pauses.

    Raises:
        RecipeError: the server cannot be reached, or does not have the file.
        OSError: the local file cannot be written.
    """
    failures = 0
    while True:
        before = _size(part)
        try:
            _continue(part, url)
            return
        except urllib.error.HTTPError as error:
            if error.code in HOPELESS:
                raise _unreachable(part, url, error) from error
            problem: Exception = error
        except urllib.error.URLError as error:
            problem = error  # other OSErrors are the local file's: a full disk
        failures = 0 if _size(part) > before else failures + 1
        if failures >= ATTEMPTS:
            raise _unreachable(part, url, problem)
        pause = min(2.0**failures, 30.0)
        print(f"{url}: {_why(problem)}; again in {pause:.0f} s", flush=True)
        sleep(pause)


def forget(part: Path) -> None:
    """Remove what was fetched so far."""
    remove(part)
    remove(_version_file(part))


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
    meter = ByteMeter(part.name.removesuffix(".part"), total, offset)
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


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _unreachable(part: Path, url: str, problem: Exception) -> RecipeError:
    return RecipeError(
        f"{url}: cannot be downloaded ({_why(problem)}); run the same command again to go on "
        f"from here, or download it by hand into {part.parent}"
    )


def _why(problem: Exception) -> str:
    return f"{getattr(problem, 'code', '')} {_reason(problem)}".strip()
