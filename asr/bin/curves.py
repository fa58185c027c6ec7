"""Draw ``log/curves.png`` of an experiment again: ``python -m asr.bin.curves EXP``."""

import sys
from collections.abc import Sequence
from pathlib import Path

from asr.errors import RecipeError
from asr.train.log_files import CURVES, METRICS
from asr.train.metrics import read_metrics


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw and name the picture; return the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if len(given) not in (1, 2) or given[0].startswith("-"):
        print("usage: local/plot_curves.sh EXP_DIR [PNG]", file=sys.stderr)
        return 2
    folder = Path(given[0]) / "log"
    target = Path(given[1]) if len(given) == 2 else folder / CURVES
    try:
        records = read_metrics(folder / METRICS)
    except RecipeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    from asr.plot.curves import draw_curves

    draw_curves(records, target)
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
