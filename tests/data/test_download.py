"""Downloads against a server on this machine."""

import errno
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asr.data.download import Source, fetch, provide
from asr.errors import RecipeError


class Server(http.server.ThreadingHTTPServer):
    """Serves one content, with the faults that a test asks for."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.etag: str | None = '"one"'
        self.ranges = True
        self.cut_after: list[int] = []  # bytes after which replies break off
        self.statuses: list[int] = []  # errors to answer first
        self.requests: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/corpus.tar.gz"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.requests.append(dict(self.headers))
        if server.statuses:
            self.send_error(server.statuses.pop(0))
            return
        start = self._start()
        if start >= len(server.content) and start > 0:
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            end = len(server.content)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        if server.etag:
            self.send_header("ETag", server.etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.cut_after:
            body = body[: server.cut_after.pop(0)]
        self.wfile.write(body)

    def _start(self) -> int:
        wanted = self.headers.get("Range")
        same = self.headers.get("If-Range", self.server.etag) == self.server.etag
        if wanted is None or not self.server.ranges or not same:
            return 0
        return int(wanted.removeprefix("bytes=").rstrip("-"))

    def log_message(self, format: str, *args: Any) -> None:
        pass


def tar_gz(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


CONTENT = tar_gz({"corpus/a.txt": b"a" * 1000, "corpus/b/c.txt": bytes(range(256)) * 9})


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(CONTENT)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def source(server: Server, algorithm: str = "sha256") -> Source:
    checksum = hashlib.new(algorithm, CONTENT).hexdigest()
    return Source("corpus.tar.gz", server.url, "corpus", algorithm, checksum)


def no_sleep(_: float) -> None:
    pass


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_downloads_checks_and_unpacks(
    server: Server, tmp_path: Path, algorithm: str
) -> None:
    provide(tmp_path, source(server, algorithm), no_sleep)
    assert (tmp_path / "corpus/a.txt").read_bytes() == b"a" * 1000
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == [".corpus.tar.gz.verified", "corpus", "corpus.tar.gz"]


def test_nothing_is_downloaded_twice(server: Server, tmp_path: Path) -> None:
    provide(tmp_path, source(server), no_sleep)
    provide(tmp_path, source(server), no_sleep)  # unpacked folder
    (tmp_path / "corpus/a.txt").unlink()
    (tmp_path / "corpus/b/c.txt").unlink()
    (tmp_path / "corpus/b").rmdir()
    (tmp_path / "corpus").rmdir()
    provide(tmp_path, source(server), no_sleep)  # archive alone
    assert (tmp_path / "corpus/a.txt").exists()
    assert len(server.requests) == 1


def test_resumes_where_the_connection_broke(server: Server, tmp_path: Path) -> None:
    server.cut_after = [50, 100]
    fetch(tmp_path / "corpus.tar.gz", source(server), no_sleep)
    assert (tmp_path / "corpus.tar.gz").read_bytes() == CONTENT
    ranges = [request.get("Range") for request in server.requests]
    assert ranges == [None, "bytes=50-", "bytes=150-"]
    assert server.requests[1]["If-Range"] == '"one"'


def test_resumes_after_the_process_was_killed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "corpus.tar.gz.part").write_bytes(CONTENT[:70])
    (tmp_path / "corpus.tar.gz.part.version").write_text('"one"\n')
    fetch(tmp_path / "corpus.tar.gz", source(server), no_sleep)
    assert (tmp_path / "corpus.tar.gz").read_bytes() == CONTENT
    assert server.requests[0]["Range"] == "bytes=70-"


def test_starts_again_where_the_file_has_changed(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "corpus.tar.gz.part").write_bytes(b"x" * 70)
    (tmp_path / "corpus.tar.gz.part.version").write_text('"old"\n')
    fetch(tmp_path / "corpus.tar.gz", source(server), no_sleep)
    assert (tmp_path / "corpus.tar.gz").read_bytes() == CONTENT
    assert len(server.requests) == 1


@pytest.mark.parametrize("ranges", [True, False])
def test_wrong_beginning_is_found_by_the_checksum(
    server: Server, tmp_path: Path, ranges: bool
) -> None:
    server.etag, server.ranges = None, ranges
    (tmp_path / "corpus.tar.gz.part").write_bytes(b"x" * 70)
    fetch(tmp_path / "corpus.tar.gz", source(server), no_sleep)
    assert (tmp_path / "corpus.tar.gz").read_bytes() == CONTENT


def test_part_that_was_complete_is_only_renamed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "corpus.tar.gz.part").write_bytes(CONTENT)
    fetch(tmp_path / "corpus.tar.gz", source(server), no_sleep)
    assert (tmp_path / "corpus.tar.gz").read_bytes() == CONTENT


def test_tries_again_with_growing_pauses(server: Server, tmp_path: Path) -> None:
    server.statuses = [503, 500, 503]
    pauses: list[float] = []
    fetch(tmp_path / "corpus.tar.gz", source(server), pauses.append)
    assert pauses == [2.0, 4.0, 8.0]


def test_missing_file_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    server.statuses = [404]
    with pytest.raises(RecipeError, match=r"corpus.tar.gz: cannot be downloaded \(404"):
        fetch(tmp_path / "corpus.tar.gz", source(server), no_sleep)
    assert len(server.requests) == 1


def test_unreachable_server_says_what_to_do(tmp_path: Path) -> None:
    dead = Source("c.tar.gz", "http://127.0.0.1:9/c.tar.gz", "c", "md5", "0" * 32)
    with pytest.raises(RecipeError, match="refused.*by hand into"):
        fetch(tmp_path / "c.tar.gz", dead, no_sleep)


def test_wrong_checksum_of_a_download(server: Server, tmp_path: Path) -> None:
    wrong = Source("corpus.tar.gz", server.url, "corpus", "sha256", "0" * 64)
    got = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(RecipeError, match=f"{'0' * 64} expected, got {got}"):
        provide(tmp_path, wrong, no_sleep)
    assert list(tmp_path.iterdir()) == []


def test_truncated_archive_of_the_user(server: Server, tmp_path: Path) -> None:
    archive = tmp_path / "corpus.tar.gz"
    archive.write_bytes(CONTENT[:-100])
    with pytest.raises(RecipeError, match="corpus.tar.gz: truncated .*; delete the"):
        provide(tmp_path, source(server), no_sleep)
    assert archive.read_bytes() == CONTENT[:-100]  # the user's file is not touched
    assert not (tmp_path / "corpus").exists()
    assert server.requests == []


def test_archive_is_checked_once(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "corpus.tar.gz").write_bytes(CONTENT)
    file = Source("corpus.tar.gz", server.url, "corpus.tar.gz", *_sum())
    provide(tmp_path, file, no_sleep)
    assert "checking" in capsys.readouterr().out
    provide(tmp_path, file, no_sleep)
    assert "checking" not in capsys.readouterr().out
    (tmp_path / "corpus.tar.gz").write_bytes(CONTENT[:-1])
    with pytest.raises(RecipeError, match="truncated"):
        provide(tmp_path, file, no_sleep)


def test_full_disk_is_no_network_problem(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corpus.tar.gz.part").symlink_to("/dev/full")
    with pytest.raises(OSError) as caught:
        fetch(tmp_path / "corpus.tar.gz", source(server), no_sleep)
    assert caught.value.errno == errno.ENOSPC
    assert not (tmp_path / "corpus.tar.gz").exists()
    assert len(server.requests) == 1


def _sum() -> tuple[str, str]:
    return "sha256", hashlib.sha256(CONTENT).hexdigest()
