"""Folders of other people: links, circles, what cannot be read."""

import os
from pathlib import Path

import pytest

from asr.folders import list_files, subfolder
from asr.options import build_parser, make_job
from asr.stage_files import user_files


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def found(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in list_files(folder).files]


def test_links_are_followed_and_hidden_files_left_out(tmp_path: Path) -> None:
    touch(tmp_path / "store/deep/a.wav")
    touch(tmp_path / "store/.hidden/b.wav")
    top = tmp_path / "top"
    for name in ("x.wav", ".DS_Store", "._x.wav", "__MACOSX/y.wav", "Thumbs.db"):
        touch(top / name)
    (top / "linked").symlink_to(tmp_path / "store")
    (top / "one.wav").symlink_to(tmp_path / "store/deep/a.wav")
    (tmp_path / "whole").symlink_to(top)
    assert found(top) == ["linked/deep/a.wav", "one.wav", "x.wav"]
    assert found(tmp_path / "whole") == found(top)
    assert found(tmp_path / "nowhere") == []


def test_circles_end_and_a_folder_comes_once(tmp_path: Path) -> None:
    touch(tmp_path / "z/a.wav")
    for name in ("b", "c", "z/up", "z/self"):
        target = {"z/up": tmp_path, "z/self": tmp_path / "z"}.get(name, tmp_path / "z")
        (tmp_path / name).symlink_to(target)
    (tmp_path / "loop").symlink_to("loop")
    listing = list_files(tmp_path)
    # Where it is no link, whatever the order of names.
    assert found(tmp_path) == ["z/a.wav"]
    assert listing.twice == {
        tmp_path / "b": tmp_path / "z",
        tmp_path / "c": tmp_path / "z",
        tmp_path / "z/up": tmp_path,
        tmp_path / "z/self": tmp_path / "z",
    }
    assert listing.problems == {
        tmp_path / "loop": "no such file (a link to loop, which is not there)"
    }


def test_many_circles_are_no_hindrance_to_what_a_stage_depends_on(
    tmp_path: Path,
) -> None:
    """Followed one in another, six links to their own folder would never end."""
    mine = tmp_path / "mine"
    touch(mine / "audio/a.wav")
    for number in range(6):
        (mine / f"audio/{number}").symlink_to(mine / "audio")
    options = ["decode", "--test-dir", str(mine), "--exp-dir", str(tmp_path / "e")]
    job = make_job(build_parser().parse_args(options), 8)
    (facts,) = user_files(job)["test_dir"]
    assert facts[0] == "audio/a.wav"


def test_nothing_is_lost_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "closed/a.wav")
    (tmp_path / "speaker").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe.wav")
    scan = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr("asr.folders.os.scandir", refuse)
    assert list_files(tmp_path).problems == {
        tmp_path / "closed": "cannot be read (Permission denied)",
        tmp_path / "pipe.wav": "is neither a file nor a folder",
        tmp_path
        / "speaker": f"no such file (a link to {tmp_path}/gone, which is not there)",
    }


def test_a_folder_in_other_capitals(tmp_path: Path) -> None:
    assert subfolder(tmp_path, "audio") == tmp_path / "audio"
    (tmp_path / "Audio").mkdir()
    assert subfolder(tmp_path, "audio") == tmp_path / "Audio"
    (tmp_path / "AUDIO").mkdir()
    assert subfolder(tmp_path, "audio") == tmp_path / "audio"  # which of the two?
    (tmp_path / "audio").mkdir()
    assert subfolder(tmp_path, "audio") == tmp_path / "audio"
