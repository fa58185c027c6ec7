"""Long audio for a model that takes short utterances: windows that overlap.

The model hears every window alone; where two overlap, the log-probs of the one go over
into those of the other at the frame where both are surest that nothing is said, within
the middle half of the overlap: at its borders a window lacks context.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from asr.text.tokenizer import BLANK_ID

Samples = NDArray[np.float32]
LogProbs = NDArray[np.float32]
Acoustic = Callable[[Samples], LogProbs]  # (num_samples,) -> (T', V) ln

SILENCE = 1e-4  # largest difference of two samples that nobody hears (-80 dB)
SURE = 1e-6  # what all other tokens share where there is no sound


def windows(
    blocks: Iterable[Samples], size: int, hop: int, unit: int
) -> Iterator[tuple[int, Samples]]:
    """Cut samples into windows.

    Args:
        blocks: of any length; together they are the recording.
        size: of a window, samples.
        hop: from one window's start to the next one's; at most ``size``.
        unit: samples of a row of log-probs; every start is a multiple of it.

    Yields:
        First sample and samples. Whatever fits into ``size`` is one window; else all have
        ``size`` samples, and the last one up to ``unit`` more.
    """
    start, held = 0, np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) >= size + hop:
            yield start, held[:size]
            start, held = start + hop, held[hop:]
    if len(held) <= size:
        yield start, held
        return
    yield start, held[:size]
    skip = (len(held) - size) // unit * unit
    if skip or len(held) > size:
        yield start + skip, held[skip:]


def long_log_probs(
    blocks: Iterable[Samples],
    acoustic: Acoustic,
    *,
    sample_rate: int,
    subsampling: int,
    window_seconds: float,
    overlap_seconds: float,
) -> Iterator[LogProbs]:
    """Yield the (T', V) log-probs of a recording in parts, a window in memory at most.

    ``subsampling`` is the number of feature frames (10 ms) of a row. A recording that
    fits into one window gets what the model says of it.
    """
    unit = subsampling * (sample_rate // 100)
    size = round(window_seconds * sample_rate) // unit * unit
    hop = size - round(overlap_seconds * sample_rate) // unit * unit
    held: LogProbs | None = None
    begin = 0  # row of the recording at which ``held`` begins
    for start, samples in windows(blocks, size, hop, unit):
        rows = heard(samples, acoustic)
        first = start // unit
        if held is not None:
            both = max(first, begin)  # the last window may begin before the last seam
            seam = both + seam_of(held[both - begin :], rows[both - first :])
            yield held[: seam - begin]
            rows, first = rows[seam - first :], seam
        held, begin = rows, first
    if held is not None:
        yield held


def heard(samples: Samples, acoustic: Acoustic) -> LogProbs:
    """Log-probs of samples; of silence surely blanks, whatever the model makes of it."""
    rows = acoustic(samples)
    if len(samples) and np.ptp(samples) <= SILENCE and len(rows):
        rows = np.full_like(rows, np.log(SURE / max(1, rows.shape[1] - 1)))
        rows[:, BLANK_ID] = np.log1p(-SURE)
    return rows


def seam_of(old: LogProbs, new: LogProbs) -> int:
    """Row of an overlap at which the new window takes over.

    Args:
        old: (N, V), the end of the one window.
        new: (M, V), the next window; its first min(N, M) rows are of the same time.
    """
    size = min(len(old), len(new))
    low, high = size // 4, max(size // 4 + 1, size - size // 4)
    blank = old[low:high, BLANK_ID] + new[low:high, BLANK_ID]
    return low + int(np.argmax(blank)) if len(blank) else 0
