"""Files are whole or absent."""

from pathlib import Path

import pytest

from asr.atomic import atomic_path, remove, write_text


def test_file_appears_only_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    with atomic_path(target) as partial:
        partial.write_text("x")
        assert not target.exists()
        assert partial.suffix == ".txt"
    assert target.read_text() == "x"
    assert list(target.parent.iterdir()) == [target]


def test_failure_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with pytest.raises(OSError), atomic_path(target) as partial:
        partial.write_text("half")
        raise OSError(28, "No space left on device")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_folder_replaces_a_filled_folder(tmp_path: Path) -> None:
    target = tmp_path / "d"
    for name in ("first", "second"):
        with atomic_path(target) as partial:
            partial.mkdir()
            (partial / name).write_text(name)
    assert [p.name for p in target.iterdir()] == ["second"]


def test_leftovers_of_a_killed_process_do_not_matter(tmp_path: Path) -> None:
    target = tmp_path / "d"
    leftover = tmp_path / ".partial-d"
    leftover.mkdir()
    (leftover / "junk").write_text("junk")
    with atomic_path(target) as partial:
        partial.mkdir()
    assert list(target.iterdir()) == []
    remove(tmp_path / "not there")
