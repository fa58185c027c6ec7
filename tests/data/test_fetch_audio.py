"""Links to recordings: local ones, a server on this machine, and a Drive that pretends."""

import os
import stat
import sys
import tarfile
import threading
import types
import warnings
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from asr.__main__ import main
from asr.data import drive
from asr.data.drive import fetch_from_drive, is_drive
from asr.data.fetch_audio import fetch_audio, find_root
from asr.data.user_folder import load_user_folder
from asr.errors import RecipeError, UsageError
from asr.text.normalize import get_rule
from tests.utils.shell import ROOT, script

REQUIREMENTS = Path("of these tests.txt")  # only named, never read
LAYOUTS = ("top folder", "two folders", "files", "deep")


def tone(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.sin(np.arange(1600) * 0.05), 16000)


def recordings(folder: Path, layout: str) -> Path:
    """Two sound files, one with a transcript, as somebody might have them."""
    inside = {"top folder": "my data", "deep": "x/my data"}.get(layout, "")
    top = folder / inside
    for name in ("a b.wav", "c.flac"):
        tone(top / ("" if layout == "files" else "audio") / name)
    (top / "transcriptions").mkdir()
    (top / "transcriptions" / "c.txt").write_text("One two.")
    if layout == "deep":
        (folder / "readme.txt").write_text("mine")
    return folder


def pack(folder: Path, archive: Path) -> Path:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as content:
            for path in sorted(folder.rglob("*")):
                content.write(path, path.relative_to(folder))
            content.writestr("__MACOSX/._c.flac", b"attributes")
    else:
        with tarfile.open(
            archive, "w:*" if archive.suffix == ".tar" else "w:gz"
        ) as tar:
            for path in sorted(folder.iterdir()):
                tar.add(path, path.name)
    return archive


def fetched(link: object, dest: Path, **options: Any) -> dict[str, str | None]:
    """What --test-dir finds in the folder that is made of a link."""
    fetch_audio(str(link), dest, REQUIREMENTS, sleep=lambda _: None, **options)
    user = load_user_folder(dest, get_rule("upper"))
    assert not user.failures
    return {file.id: file.text for file in user.files}


BOTH = {"a_b": None, "c": "ONE TWO"}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("suffix", ["", ".zip", ".tar.gz"])
def test_local_folders_and_archives_of_any_layout(
    tmp_path: Path, layout: str, suffix: str
) -> None:
    source = recordings(tmp_path / "source", layout)
    link = pack(source, tmp_path / f"my data{suffix}") if suffix else source
    assert fetched(link, tmp_path / "dest") == BOTH
    assert not list(tmp_path.glob(".partial*"))


def test_a_local_folder_is_linked_and_what_is_new_in_it_is_seen(tmp_path: Path) -> None:
    source = recordings(tmp_path / "source", "files")
    assert fetched(source, tmp_path / "dest") == BOTH
    assert (tmp_path / "dest" / "c.flac").is_symlink()
    tone(source / "d.wav")
    assert fetched(source, tmp_path / "dest") == {**BOTH, "d": None}
    other = recordings(tmp_path / "other", "two folders")
    assert fetched(f" '{other}' ", tmp_path / "dest") == BOTH
    assert (source / "d.wav").is_file()


def test_an_archive_is_unpacked_once_until_it_changes(tmp_path: Path) -> None:
    source = recordings(tmp_path / "source", "files")
    archive, dest = tmp_path / "x.zip", tmp_path / "dest"
    pack(source, archive)
    assert fetch_audio(str(archive), dest, REQUIREMENTS)
    assert not fetch_audio(str(archive), dest, REQUIREMENTS)
    tone(source / "new.wav")
    pack(source, archive)
    assert fetched(archive, dest) == {**BOTH, "new": None}


def test_one_sound_file(tmp_path: Path) -> None:
    tone(tmp_path / "one.wav")
    assert fetched(tmp_path / "one.wav", tmp_path / "dest") == {"one": None}


def test_of_two_folders_with_audio_all_is_taken(tmp_path: Path) -> None:
    for name in ("x", "y"):
        tone(tmp_path / "s" / name / "audio" / f"{name}.wav")
    assert find_root(tmp_path / "s") == tmp_path / "s"
    assert fetched(tmp_path / "s", tmp_path / "dest") == {"x": None, "y": None}


def test_a_folder_that_was_not_fetched_is_left_alone(tmp_path: Path) -> None:
    source = recordings(tmp_path / "source", "files")
    mine = recordings(tmp_path / "mine", "files")
    with pytest.raises(UsageError, match="was not fetched from a link"):
        fetch_audio(str(source), mine, REQUIREMENTS)
    assert (mine / "c.flac").is_file()


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("", "an empty link: no such file or folder"),
        ("nowhere/x.zip", "nowhere/x.zip: no such file or folder here"),
        ("ftp://host/x.zip", "an http.s. link, or a path"),
        ("https://", "an http.s. link, or a path"),
    ],
)
def test_what_is_no_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        fetch_audio(link, tmp_path / "dest", REQUIREMENTS)
    assert not (tmp_path / "dest").exists()


def zip_of(path: Path, name: str, mode: int = 0, packed: int = 0) -> Path:
    with zipfile.ZipFile(path, "w") as content:
        info = zipfile.ZipInfo(name)
        info.external_attr, info.compress_type = mode << 16, packed
        content.writestr(info, b"/etc/passwd")
    return path


def named_bytes(path: Path, sound: Path, *names: bytes, extra: bytes = b"") -> Path:
    """A zip of one sound under names of these bytes, which no flag says to be UTF-8."""
    with zipfile.ZipFile(path, "w") as content:
        for name in names:
            info = zipfile.ZipInfo("x" * len(name))
            info.extra = extra
            content.writestr(info, sound.read_bytes())
    packed = path.read_bytes()
    for name in names:  # in its own header first, then in the directory
        packed = packed.replace(b"x" * len(name), name, 1)
    head, directory = packed.split(b"PK\x01\x02", 1)
    for name in names:
        directory = directory.replace(b"x" * len(name), name, 1)
    path.write_bytes(head + b"PK\x01\x02" + directory)
    return path


def names_of(archive: Path, capsys: pytest.CaptureFixture[str]) -> tuple[set[str], str]:
    """Ids of the recordings in an archive, and what is noted while unpacking."""
    found = set(fetched(archive, archive.with_suffix("")))
    said = capsys.readouterr().out.splitlines()
    return found, "".join(line for line in said if line.startswith("note: "))


def test_zip_archives_of_windows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = tmp_path / "a.wav"
    tone(sound)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as content:
        for folder in ("my data\\", "my data\\audio\\"):
            content.writestr(folder, b"")
        content.write(sound, "my data\\audio\\sub\\a.WAV")
        content.write(sound, "my data\\audio/Desktop.ini")
        content.writestr("my data\\Transcriptions\\sub\\a.TXT", b"hello")
    assert fetched(tmp_path / "x.zip", tmp_path / "dest") == {"a": "HELLO"}
    names = "\u00e9t\u00e9.wav".encode("cp437"), b"b.wav"
    archive = named_bytes(tmp_path / "dos.zip", sound, *names)
    note = "note: dos.zip: names are not in UTF-8, read as cp437: \u00e9t\u00e9.wav"
    assert names_of(archive, capsys) == ({"\u00e9t\u00e9", "b"}, note)


def test_zip_archives_with_names_in_utf_8(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its flag, without it as macOS packs them, and beside another name."""
    sound = tmp_path / "a.wav"
    tone(sound)
    name = "\u0436.wav"
    with zipfile.ZipFile(tmp_path / "flag.zip", "w") as content:
        content.write(sound, name)
    named_bytes(tmp_path / "plain.zip", sound, name.encode())
    path = b"\1" + b"\0" * 4 + name.encode()
    extra = b"\1\0\2\0ab" + b"up" + len(path).to_bytes(2, "little") + path
    named_bytes(tmp_path / "extra.zip", sound, b"\xff.wav", extra=extra)
    for kind in ("flag", "plain", "extra"):
        assert names_of(tmp_path / f"{kind}.zip", capsys) == ({"\u0436"}, "")


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ""])
def test_what_macos_adds_is_left_out(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "source"
    recordings(source / "my data", "two folders")
    for name in ("my data/audio/._c.flac", "my data/audio/.DS_Store", "._my data"):
        path = source / "__MACOSX" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"attributes")
    (source / "my data/audio/._c.flac").write_bytes(b"attributes")
    link = pack(source, tmp_path / f"x{suffix}") if suffix else source
    assert fetched(link, tmp_path / "dest") == BOTH


def test_names_that_differ_in_capitals_are_two_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tone(tmp_path / "a.wav")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as content:
        for name in ("audio/A.wav", "audio/a.wav", "audio/a.wav"):  # one of them twice
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                content.write(tmp_path / "a.wav", name)
    assert names_of(tmp_path / "x.zip", capsys) == ({"A", "a"}, "")
    with zipfile.ZipFile(tmp_path / "y.zip", "a") as content:
        content.writestr("a.wav", b"one")
        content.writestr(".\\a.wav", b"two")
    with pytest.raises(RecipeError, match="holds two files called 'a.wav'"):
        fetch_audio(str(tmp_path / "y.zip"), tmp_path / "dest", REQUIREMENTS)


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-30])
    return path


def with_password(path: Path) -> Path:
    content = bytearray(zip_of(path, "a.wav").read_bytes())
    content[6] |= 1  # of the member's own header, then of the directory's
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    return path


def flipped(path: Path, packed: int = zipfile.ZIP_STORED) -> Path:
    content = bytearray(zip_of(path, "a.wav", packed=packed).read_bytes())
    content[content.index(b"a.wav") + len("a.wav") + 10] ^= 255
    path.write_bytes(content)
    return path


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "outside": (lambda p: zip_of(p, "../x.wav"), "unsafe member name '../x.wav'"),
    "absolute": (lambda p: zip_of(p, "/tmp/x.wav"), "unsafe member name"),
    "outside, by backslashes": (lambda p: zip_of(p, "x\\..\\..\\y.wav"), "unsafe"),
    "drive": (lambda p: zip_of(p, "C:\\x\\y.wav"), "unsafe member name"),
    "share": (lambda p: zip_of(p, "\\\\host\\y.wav"), "unsafe member name"),
    "bzip2": (lambda p: flipped(p, zipfile.ZIP_BZIP2), "cut short, damaged"),
    "lzma": (lambda p: flipped(p, zipfile.ZIP_LZMA), "cut short, damaged"),
    "link": (lambda p: zip_of(p, "a.wav", stat.S_IFLNK | 0o777), "neither a file nor"),
    "password": (with_password, "has a password"),
    "flipped": (flipped, "cut short, damaged"),
    "cut short": (lambda p: cut(zip_of(p, "a.wav")), "neither an archive"),
    "empty": (lambda p: zip_of(p, "notes.txt"), "no audio files"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_zip_archives_leave_nothing(tmp_path: Path, kind: str) -> None:
    make, message = BAD[kind]
    archive = make(tmp_path / "bad.zip")
    with pytest.raises(RecipeError, match=message):
        fetch_audio(str(archive), tmp_path / "dest", REQUIREMENTS)
    assert [p.name for p in tmp_path.iterdir()] == ["bad.zip"]


def test_tar_with_a_link_and_disk_without_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").symlink_to("/etc")
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        tar.add(tmp_path / "x", "x")
    with pytest.raises(RecipeError, match="'x' is neither a file nor a folder"):
        fetch_audio(str(tmp_path / "bad.tar"), tmp_path / "dest", REQUIREMENTS)
    usage = types.SimpleNamespace(free=5)
    monkeypatch.setattr("asr.data.archive_zip.shutil.disk_usage", lambda _: usage)
    with pytest.raises(RecipeError, match="0.0 GB free; free some space"):
        archive = zip_of(tmp_path / "big.zip", "a.wav")
        fetch_audio(str(archive), tmp_path / "dest", REQUIREMENTS)


class Handler(BaseHTTPRequestHandler):
    folder: Path
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        path = self.folder / self.path.split("?")[0].strip("/").replace("%20", " ")
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, type[Handler]]]:
    (tmp_path / "www").mkdir()
    kind = type("Here", (Handler,), {"folder": tmp_path / "www", "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", kind
    server.shutdown()
    thread.join()
    server.server_close()


def test_archives_and_sound_files_from_the_web(
    tmp_path: Path, web: tuple[str, type[Handler]]
) -> None:
    url, handler = web
    source = recordings(tmp_path / "source", "top folder")
    pack(source, handler.folder / "my data.zip")
    tone(handler.folder / "one.flac")
    dest = tmp_path / "dest"
    assert fetched(f"{url}/my data.zip?dl=1", dest) == BOTH
    assert not fetch_audio(f"{url}/my data.zip?dl=1", dest, REQUIREMENTS)
    assert handler.asked == ["/my%20data.zip?dl=1"]
    assert fetched(f"{url}/one.flac", dest) == {"one": None}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dest", "source", "www"]


def test_web_pages_and_missing_files(
    tmp_path: Path, web: tuple[str, type[Handler]]
) -> None:
    url, handler = web
    (handler.folder / "page").write_text("\n<!DOCTYPE html><title>Log in</title>")
    with pytest.raises(RecipeError, match="page: leads to a web page; give the link"):
        fetch_audio(f"{url}/page", tmp_path / "dest", REQUIREMENTS)
    with pytest.raises(RecipeError, match="404"):
        fetch_audio(f"{url}/gone.zip", tmp_path / "dest", REQUIREMENTS)
    assert [p.name for p in tmp_path.iterdir()] == ["www"]


class Drive(types.ModuleType):
    """Stands for gdown: knows one folder, one archive and one sound file."""

    def __init__(self, source: Path) -> None:
        super().__init__("gdown")
        self.source = source

    def download_folder(self, *, id: str, output: str) -> list[str] | None:
        if id != "FOLDER-id_1":
            raise RuntimeError("Failed to retrieve folder contents\n  code 404\n")
        recordings(Path(output), "two folders")
        return [output]

    def download(self, *, id: str, output: str) -> str | None:
        assert output.endswith(os.sep)
        if id == "PACKED":
            return str(pack(self.source, Path(output) / "shared.zip"))
        if id == "SOUND":
            tone(Path(output) / "said.wav")
            return output
        return None  # as gdown before 5


@pytest.fixture
def gdown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = recordings(tmp_path / "shared", "top folder")
    monkeypatch.setitem(sys.modules, "gdown", Drive(source))


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://drive.google.com/drive/folders/FOLDER-id_1?usp=sharing", BOTH),
        ("https://drive.google.com/drive/u/0/folders/FOLDER-id_1", BOTH),
        ("https://drive.google.com/file/d/PACKED/view?usp=drive_link", BOTH),
        ("https://drive.google.com/uc?export=download&id=PACKED", BOTH),
        ("https://drive.google.com/open?id=SOUND", {"said": None}),
    ],
)
def test_links_to_drive(
    tmp_path: Path, gdown: None, link: str, expected: dict[str, str | None]
) -> None:
    assert fetched(link, tmp_path / "dest") == expected


def test_links_that_drive_refuses_are_one_line(tmp_path: Path, gdown: None) -> None:
    for link, reason in (
        ("https://drive.google.com/drive/folders/private", "contents code 404[)]; it"),
        ("https://drive.google.com/file/d/gone/view", "nothing came"),
        ("https://drive.google.com/drive/my-drive", "names no file and no folder"),
    ):
        with pytest.raises(RecipeError, match=reason) as error:
            fetch_audio(link, tmp_path / "dest", REQUIREMENTS)
        assert "\n" not in str(error.value)
    assert not (tmp_path / "dest").exists()
    assert is_drive("https://drive.google.com/x")
    assert not is_drive("https://example.org/drive.google.com/")


def test_gdown_is_installed_where_it_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    link = "https://drive.google.com/file/d/X/view"
    monkeypatch.setitem(sys.modules, "gdown", None)  # cannot be imported
    site = tmp_path / "site"

    def install(requirements: Path) -> None:
        assert requirements == REQUIREMENTS
        site.mkdir()
        (site / "gdown.py").write_text(
            "def download(id, output):\n"
            "    open(output + 'a.wav', 'wb').close()\n"
            "    return output\n"
        )
        monkeypatch.setattr(sys, "path", [str(site), *sys.path])
        monkeypatch.delitem(sys.modules, "gdown")

    fetch_from_drive(link, tmp_path / "raw", REQUIREMENTS, install)
    assert (tmp_path / "raw" / "a.wav").is_file()
    assert "installing gdown" in capsys.readouterr().out


def test_where_pip_fails_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = script(tmp_path / "python", f'echo "$*" > {tmp_path}/asked; exit $STATUS')
    monkeypatch.setattr(drive.sys, "executable", str(pip))
    monkeypatch.setenv("STATUS", "0")
    drive.pip_install(ROOT / "requirements-drive.txt")
    asked = (tmp_path / "asked").read_text()
    assert asked == f"-m pip install --quiet -r {ROOT}/requirements-drive.txt\n"
    monkeypatch.setenv("STATUS", "1")
    with pytest.raises(RecipeError, match="gdown could not be installed"):
        drive.pip_install(REQUIREMENTS)


def test_the_command_says_what_came_and_how_to_use_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, dest = recordings(tmp_path / "source", "deep"), tmp_path / "dest"
    assert main(["fetch_audio", str(source), str(dest)]) == 0
    said = capsys.readouterr().out
    assert f"{dest}: 2 files, 1 transcripts\n" in said
    assert f"./run.sh --stage 8 --test-dir {dest}" in said
    nowhere = str(tmp_path / "nowhere")
    assert main(["fetch_audio", nowhere, str(dest)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {nowhere}: no such file")
