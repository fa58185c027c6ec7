"""How the beam search's time grows with beam size, vocabulary and frames.

    python -m benchmarks.beam_growth docs/images/beam_growth.png

Random log-probs in which one token or blank is likely at each frame; no LM. CPU seconds,
the least of three. Prints the figures, and the memory after one and after all utterances.
"""

import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from asr.decode.beam import PrefixBeamSearch
from asr.decode.log_probs import LogProbs

BEAMS = (8, 16, 32, 64, 128, 256, 512)
SIZES = (32, 128, 512, 2048, 8192)
FRAMES = (250, 500, 1000, 2000, 4000, 8000)


def log_probs(frames: int, size: int) -> LogProbs:
    """Half of the frames blank; the others' best tokens are about equally likely."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(frames, size)).astype(np.float32) * 2
    logits[::2, 0] += 12
    logits[1::2, 1] += 6
    norm = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    rows: LogProbs = (logits - norm).astype(np.float32)
    return rows


def seconds(beam: int, size: int, frames: int, pruned: bool) -> float:
    """Least CPU time of three searches."""
    wide: dict[str, Any] = (
        {} if pruned else {"beam_threshold": np.inf, "token_threshold": np.inf}
    )
    tokens = ["<blk>", *(f"▁{i}" for i in range(1, size))]
    search, rows = (
        PrefixBeamSearch(tokens, beam_size=beam, **wide),
        log_probs(frames, size),
    )
    times = []
    for _ in range(3):
        began = time.process_time()
        search(rows)
        times.append(time.process_time() - began)
    return min(times)


def main() -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    seconds(8, 32, 10, True)  # compiled, or read from the disk
    figure, axes = pyplot.subplots(1, 3, figsize=(10, 3), layout="constrained")
    series = {
        "beam size (V = 512, T = 1000)": [(x, (x, 512, 1000)) for x in BEAMS],
        "vocabulary (beam 32, T = 1000)": [(x, (32, x, 1000)) for x in SIZES],
        "frames (beam 32, V = 512)": [(x, (32, 512, x)) for x in FRAMES],
    }
    for axis, (name, points) in zip(axes, series.items(), strict=True):
        for pruned in (True, False):
            times = [1000 * seconds(*at, pruned) for _, at in points]
            label = "default pruning" if pruned else "no pruning"
            axis.plot([x for x, _ in points], times, marker="o", label=label)
            pairs = zip(points, times, strict=True)
            print(name, label, *(f"{x}: {t:.1f} ms" for (x, _), t in pairs), flush=True)
        axis.set(xscale="log", yscale="log", xlabel=name, ylabel="ms")
        axis.grid(True, alpha=0.3)
    axes[0].legend()
    figure.savefig(sys.argv[1], dpi=100, metadata={"Software": None})
    memory()


def memory() -> None:
    """Peak memory after one utterance, and after five hundred."""
    search = PrefixBeamSearch(
        ["<blk>", *(f"▁{i}" for i in range(1, 512))], beam_size=100
    )
    rows = log_probs(500, 512)
    for number in (1, 500):
        for _ in range(number):
            search(rows)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory after {number} more utterances: {peak:.0f} MiB")


if __name__ == "__main__":
    Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
    main()
