"""Unpacking: safe, and whole or not at all."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from asr.data.archive import unpack
from asr.errors import RecipeError


def make_tar(path: Path, members: list[tarfile.TarInfo], kind: str = "gz") -> Path:
    with tarfile.open(path, f"w:{kind}") as tar:  # type: ignore[call-overload]
        for member in members:
            content = os.urandom(member.size)
            tar.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return path


def file(name: str, size: int = 10) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_keeps_what_is_there_and_adds_the_rest(tmp_path: Path) -> None:
    archive = make_tar(
        tmp_path / "a.tar.gz", [file("L/README"), file("L/part-2/x"), file("L/BOOKS")]
    )
    (tmp_path / "L/part-1").mkdir(parents=True)
    (tmp_path / "L/README").write_text("mine")
    unpack(archive, tmp_path, "L/part-2")
    assert (tmp_path / "L/README").read_text() == "mine"
    assert (tmp_path / "L/part-2/x").stat().st_size == 10
    assert (tmp_path / "L/BOOKS").exists()
    assert not list(tmp_path.glob(".unpacking*"))


@pytest.mark.parametrize(
    "member",
    [
        file("../evil"),
        file("/tmp/evil-absolute"),
        file("corpus/../../evil"),
        link("corpus/x", "/etc/passwd", tarfile.SYMTYPE),
        link("corpus/x", "../../evil", tarfile.LNKTYPE),
        link("corpus/x", "", tarfile.FIFOTYPE),
    ],
    ids=lambda m: m.name,
)
def test_unsafe_members_are_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    folder = tmp_path / "download"
    folder.mkdir()
    archive = make_tar(folder / "a.tar.gz", [file("corpus/ok"), member])
    with pytest.raises(RecipeError, match="unsafe|refused"):
        unpack(archive, folder, "corpus")
    assert [p.name for p in folder.iterdir()] == ["a.tar.gz"]
    assert [p.name for p in tmp_path.iterdir()] == ["download"]


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.5, 0.99])
def test_truncated_archive_leaves_nothing(tmp_path: Path, keep: float) -> None:
    archive = make_tar(tmp_path / "a.tar.gz", [file(f"c/{i}", 5000) for i in range(9)])
    content = archive.read_bytes()
    archive.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(RecipeError, match="a.tar.gz: truncated or damaged"):
        unpack(archive, tmp_path, "c")
    assert [p.name for p in tmp_path.iterdir()] == ["a.tar.gz"]


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_damaged_inside(tmp_path: Path, kind: str) -> None:
    members = [file(f"c/{i}", 5000) for i in range(9)]
    archive = make_tar(tmp_path / f"a.tar.{kind}", members, kind)
    content = bytearray(archive.read_bytes())
    content[20000:20100] = b"\0" * 100
    archive.write_bytes(bytes(content))
    with pytest.raises(RecipeError, match="truncated or damaged"):
        unpack(archive, tmp_path, "c")
    assert not (tmp_path / "c").exists()


def test_another_archive(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "a.tar.gz", [file("other/x")])
    with pytest.raises(RecipeError, match="does not hold corpus"):
        unpack(archive, tmp_path, "corpus")
    assert not (tmp_path / "other").exists()


def test_what_a_killed_run_left_is_no_hindrance(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "a.tar.gz", [file("corpus/x")])
    (tmp_path / ".unpacking-a.tar.gz/corpus").mkdir(parents=True)
    (tmp_path / ".unpacking-a.tar.gz/corpus/stale").write_text("half")
    unpack(archive, tmp_path, "corpus")
    assert [p.name for p in (tmp_path / "corpus").iterdir()] == ["x"]
