"""One process at a time, and a lock that ends with its process."""

import subprocess
import sys
from pathlib import Path

import pytest

from asr.config_load import ROOT
from asr.errors import RecipeError
from asr.stage_lock import alone

HOLDER = """
import sys, os
from pathlib import Path
from asr.stage_lock import alone
with alone("stage 6 train", Path(sys.argv[1])):
    if os.fork() == 0:  # a worker that outlives it does not keep the lock
        sys.stdin.readline()
        os._exit(0)
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    marker = tmp_path / ".done" / "6-train.json"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, marker],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None and holder.stdin is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(RecipeError, match="stage 6 train: another process is at it"):
        with alone("stage 6 train", marker):
            pass
    with alone("stage 7 tune", tmp_path / ".done" / "7-tune.json"):
        pass  # another stage goes on
    holder.kill()
    holder.wait()
    with alone("stage 6 train", marker):
        assert marker.with_suffix(".lock").exists()
    holder.stdin.close()
    assert list(marker.parent.iterdir()) == []


def test_the_lock_is_given_back_by_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        with alone("x", tmp_path / "x.json"):
            raise ValueError
    with alone("x", tmp_path / "x.json"):
        pass
