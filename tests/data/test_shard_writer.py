"""Shards: the same bytes every time, and whole or not at all."""

import errno
from pathlib import Path

import pytest

from asr.data.shard_writer import write_shard
from tests.data.test_shard_reader import features


def test_equal_shards_are_equal_files(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        write_shard(tmp_path / name, [(f"u{i}", features(i)) for i in range(9)], "f4")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_full_disk(tmp_path: Path) -> None:
    target = tmp_path / "shard.h5"
    with pytest.MonkeyPatch.context() as patch:

        def full(*_: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space"):
            write_shard(target, [("a", features(1))], "float16")
    assert list(tmp_path.iterdir()) == []
