#!/usr/bin/env python3
"""WER and CER of a folder of predictions: python calc_metrics.py REF HYP [OUT]

REF and HYP are folders of <utt-id>.txt, Kaldi text files or data directories. Takes the
options of local/score.sh (local/score.sh --help lists them) and writes the same files.
From Python: asr.score.calc_metrics.calc_metrics(refs, hyps).
"""

import sys

from asr.__main__ import main

if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv) or len(sys.argv) == 1:
        print(__doc__.strip())
        sys.exit(0 if len(sys.argv) > 1 else 2)
    sys.exit(main(["score", *sys.argv[1:]]))
