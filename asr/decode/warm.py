"""Compiles what the searches need, before a user waits for it: python -m asr.decode.warm.

Where it is compiled already, or numba is missing, there is nothing to do.
"""

import tempfile
from pathlib import Path

import numpy as np

from asr.packages import missing

ARPA = "\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-1 <s> 0\n-1 </s>\n-1 A\n\n"
ARPA += "\\2-grams:\n-1 <s> A\n\n\\end\\\n"


def warm() -> None:
    """Run each compiled function once, with arrays as the searches pass them."""
    if missing("numba"):
        return
    from asr.decode.beam import PrefixBeamSearch

    log_probs = np.log(np.full((2, 3), 1 / 3, np.float32))
    with tempfile.TemporaryDirectory() as folder:
        arpa = Path(folder) / "lm.arpa"
        arpa.write_text(ARPA)
        PrefixBeamSearch(["<blk>", "▁", "A"], arpa, timed=1)(log_probs)
        PrefixBeamSearch(["<blk>", "AH", "EY"], spellings={"A": [(1,)]})(log_probs)


if __name__ == "__main__":
    warm()
