"""Packages that are there and do not import: said in one line, and done without."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from asr.config_load import ROOT
from asr.decode.methods import METHODS
from asr.lm.kneser_ney import train_kneser_ney, write_arpa

TOLD = """
import sys
from pathlib import Path
from asr.decode.methods import METHODS, unavailable
if __name__ == "__main__":
    Path(sys.argv[1], "HLG.pt").touch()
    for method in METHODS:
        print(f"{method}: {unavailable(method, Path(sys.argv[1]))}")
    print({"k2", "torch", "numba"} & set(sys.modules))
"""
SEARCHED = """
import sys
from pathlib import Path
import numpy as np
from asr.decode.beam import PrefixBeamSearch
from asr.score.error_rate import count_errors
assert count_errors(["A"], ["B"]).errors == 1
search = PrefixBeamSearch(["<blk>", "|", "A"], Path(sys.argv[1]))
print(search(np.log([[0.1, 0.1, 0.8]]))[0].text)
"""


def run(code: str, folder: Path, *arguments: str, **packages: str) -> list[str]:
    """Lines that the code prints where these packages have this content."""
    for name, content in packages.items():
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(content)
    script = folder / "script.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, script, *arguments],
        env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            "raise ModuleNotFoundError(\"No module named '_k2'\")",
            "No module named '_k2'",
        ),
        (
            "raise ImportError('built using PyTorch 1.11\\nBut ...')",
            "using PyTorch 1.11",
        ),
        (
            "import ctypes; ctypes.CDLL('libk2context.so')",
            "libk2context.so: cannot open",
        ),
        ("raise RuntimeError", "RuntimeError"),
        ("import os; os.abort()", "its process ended with code -6"),
    ],
)
def test_a_broken_k2_costs_its_own_decoders_only(
    tmp_path: Path, content: str, reason: str
) -> None:
    *lines, loaded = run(TOLD, tmp_path, str(tmp_path), k2=content)
    assert len(lines) == len(METHODS) and loaded == "set()"  # asked in a child
    for line in lines:
        method, _, said = line.partition(": ")
        if method in ("ctc", "hlg-nbest", "hlg-lattice"):
            assert said.startswith("k2 cannot be imported (") and reason in said
        else:
            assert said == "None"


def test_a_broken_kaldi_decoder_and_kenlm_are_named(tmp_path: Path) -> None:
    broken = {"kaldifst": "1 / 0", "kenlm": "raise OSError('x.so')", "k2": "import _x"}
    lines = run(TOLD, tmp_path, str(tmp_path), **broken, numba="import llvm_lite_x")
    kaldi, k2 = "kaldifst cannot be imported (division by zero)", "No module named '_x'"
    assert f"hlg: {kaldi}, and k2 cannot be imported ({k2}); see docs/" in lines[4]
    assert "beam-lm: kenlm cannot be imported (x.so), and numba cannot" in lines[2]
    assert lines[:2] == ["greedy: None", "beam: None"]


@pytest.mark.parametrize("broken", ["numba", "kenlm"])
def test_the_beam_search_does_without_numba_or_kenlm(
    tmp_path: Path, broken: str
) -> None:
    """Also given KenLM's binary, as long as the ARPA file is beside it."""
    write_arpa(train_kneser_ney([["A"]], 2, [0, 0]), tmp_path / "lm.arpa")
    (tmp_path / "lm.bin").write_bytes(b"mmap lm")
    name = "lm.bin" if broken == "kenlm" else "lm.arpa"
    lines = run(
        SEARCHED, tmp_path, str(tmp_path / name), **{broken: "raise OSError('x')"}
    )
    slow = "beam search: numba cannot be imported (x), so it is slower"
    assert lines == ([slow] if broken == "numba" else []) + ["A"]
