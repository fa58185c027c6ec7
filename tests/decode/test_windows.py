"""Long recordings in windows: what a model of one frame at a time hears at once."""

import numpy as np
import pytest

from asr.decode.windows import LogProbs, Samples, long_log_probs, seam_of, windows

UNIT = 640  # samples of a row of log-probs, at 16 kHz


@pytest.mark.parametrize("length", [0, 1, 639, 6400, 6401, 9600, 12800, 40000, 41111])
@pytest.mark.parametrize("block", [1000, 6400, 50000])
def test_windows_cover_everything(length: int, block: int) -> None:
    samples = np.arange(length, dtype=np.float32)
    blocks = [samples[i : i + block] for i in range(0, length, block)]
    found = list(windows(blocks, size=6400, hop=3840, unit=UNIT))
    for start, window in found:
        assert (window == samples[start : start + len(window)]).all()
        assert start % UNIT == 0 and len(window) < 6400 + UNIT
    if length <= 6400:
        assert len(found) == 1
    starts = [start for start, _ in found]
    ends = [start + len(window) for start, window in found]
    assert starts[0] == 0 and ends[-1] == length
    for start, end in zip(starts[1:], ends[:-1], strict=True):
        assert end - start >= 6400 - 3840 - UNIT
    assert all(len(window) >= 6400 for _, window in found[1:])


def local(samples: Samples) -> LogProbs:
    """Three tokens, each row from its own samples only."""
    rows = -(-len(samples) // UNIT)
    padded = np.pad(samples, (0, rows * UNIT - len(samples))).reshape(rows, UNIT)
    return np.stack([padded[:, 0], padded[:, 7], padded[:, 99]], axis=1)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 1.5, 1.68, 3.32, 9.37])
def test_a_model_without_context_hears_the_same_in_windows(seconds: float) -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(size=round(16000 * seconds)).astype(np.float32)
    blocks = np.array_split(samples, 7)
    heard = long_log_probs(
        blocks,
        local,
        sample_rate=16000,
        subsampling=4,
        window_seconds=1.0,
        overlap_seconds=0.4,
    )
    found = list(heard)
    assert (np.concatenate(found) == local(samples)).all()
    assert max(map(len, found)) <= 26


def test_borders_of_windows_are_not_used() -> None:
    """A model that errs wherever a window ends, as models without context do."""

    def shy(samples: Samples) -> LogProbs:
        rows = local(samples)
        rows[:2] = rows[-2:] = np.nan
        return rows

    samples = np.random.default_rng(0).normal(size=160_000).astype(np.float32)
    heard = long_log_probs(
        [samples],
        shy,
        sample_rate=16000,
        subsampling=4,
        window_seconds=2.0,
        overlap_seconds=0.8,
    )
    rows = np.concatenate(list(heard))
    assert np.isfinite(rows[2:-2]).all()
    assert (rows[2:-2] == local(samples)[2:-2]).all()


def test_the_seam_is_where_both_hear_nothing() -> None:
    old, new = (np.full((8, 3), -5.0, np.float32) for _ in range(2))
    old[[0, 3, 4], 0] = new[
        [0, 2, 4], 0
    ] = -0.1  # both at 0, too near the border, and 4
    assert seam_of(old, new) == 4
    assert seam_of(old[:0], new) == 0


def test_silence_is_blank_whatever_the_model_says() -> None:
    talkative = np.log(np.full((25, 3), 1 / 3, np.float32))
    heard = long_log_probs(
        [np.zeros(16000, np.float32)],
        lambda samples: talkative,
        sample_rate=16000,
        subsampling=4,
        window_seconds=2.0,
        overlap_seconds=0.5,
    )
    (rows,) = heard
    assert (rows.argmax(axis=1) == 0).all()
    assert np.exp(rows).sum(axis=1) == pytest.approx(1.0)
