"""Compiling beforehand leaves nothing to compile."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba")
ROOT = Path(__file__).resolve().parents[2]
SEARCH = """
import sys
import numpy as np
from pathlib import Path
from asr.decode.beam import PrefixBeamSearch
from asr.decode import beam_kernel, forward, viterbi
from asr.lm import arpa
lm = arpa.read_arpa(Path(sys.argv[1]))
rows = np.log(np.full((1, 4, 4), 0.25))
rows.setflags(write=False)
search = PrefixBeamSearch(["<blk>", "|", "A", "B"], lm, timed=1)
search(rows, [3]), search(rows[0].astype(np.float16)), search(rows[0, ::2])
PrefixBeamSearch(["<blk>", "A", "B", "C"])(rows[0])
PrefixBeamSearch(["<blk>", "A", "B", "C"], lm, spellings={"A": [(1, 2)]})(rows[0])
used = [beam_kernel.search, viterbi.best_path, arpa.read_section]
used.append(forward.forward)
print([sum(f.stats.cache_misses.values()) for f in used])
"""


def test_nothing_is_left_to_compile(tmp_path: Path) -> None:
    from asr.decode.warm import ARPA

    (tmp_path / "lm.arpa").write_text(ARPA)
    run = [sys.executable, "-m", "asr.decode.warm"]
    subprocess.run(run, cwd=ROOT, check=True)
    run = [sys.executable, "-c", SEARCH, str(tmp_path / "lm.arpa")]
    done = subprocess.run(run, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[0, 0, 0, 0]"
