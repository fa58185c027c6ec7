"""SpecAugment: bounded masks, and a warp that keeps the ends and the length."""

import numpy as np
import pytest

from asr.data.augment.specaugment import interpolate, spec_augment, warp_time

ONLY_WARP = {
    "freq_masks": 0,
    "freq_width": 0,
    "time_masks": 0,
    "time_width": 0,
    "time_ratio": 0.0,
}


def test_masks_are_bounded_and_repeatable() -> None:
    features = np.random.default_rng(0).normal(size=(100, 80)).astype(np.float32)
    options = {
        "time_warp": 0,
        "freq_masks": 2,
        "freq_width": 10,
        "time_masks": 2,
        "time_width": 50,
        "time_ratio": 0.1,
    }
    changed = 0
    for seed in range(20):
        first = spec_augment(features, np.random.default_rng(seed), **options)  # type: ignore[arg-type]
        again = spec_augment(features, np.random.default_rng(seed), **options)  # type: ignore[arg-type]
        assert np.array_equal(first, again)
        masked = first != features
        assert masked.all(axis=0).sum() <= 20  # bins wholly masked
        assert masked.all(axis=1).sum() <= 20  # frames: a tenth of 100, twice
        changed += masked.any()
    assert changed >= 18


@pytest.mark.parametrize("frames", [0, 1, 4, 5, 6, 20, 300])
def test_warp_keeps_length_ends_and_order(frames: int) -> None:
    ramp = np.arange(frames, dtype=np.float32)[:, None] * np.ones(3, np.float32)
    moved = 0
    for seed in range(30):
        warped = warp_time(ramp, np.random.default_rng(seed), 10)
        assert warped.shape == ramp.shape and warped.dtype == np.float32
        if frames:
            assert (warped[0] == ramp[0]).all() and (warped[-1] == ramp[-1]).all()
        assert (np.diff(warped[:, 0]) >= 0).all()
        shift = np.abs(warped - ramp)
        assert shift.max(initial=0) <= min(10, max(0, frames - 3) // 2) + 1e-3
        moved += bool(shift.any())
    assert moved == 0 if frames < 5 else moved >= 15


def test_warp_moves_one_frame_by_as_much_as_is_allowed() -> None:
    ramp = np.arange(200, dtype=np.float32)[:, None]
    shifts = [
        np.abs(warp_time(ramp, np.random.default_rng(seed), 8) - ramp).max()
        for seed in range(200)
    ]
    assert set(np.rint(shifts)) == set(range(9))  # whole frames, from none to 8
    assert np.abs(np.array(shifts) - np.rint(shifts)).max() < 1e-3


def test_without_warp_nothing_is_drawn() -> None:
    features = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    rng, untouched = np.random.default_rng(1), np.random.default_rng(1)
    same = spec_augment(features, rng, time_warp=0, **ONLY_WARP)  # type: ignore[arg-type]
    assert np.array_equal(same, features) and same is not features
    rng.integers(1), untouched.integers(1)
    assert rng.random() == untouched.random()


def test_interpolation_by_hand() -> None:
    features = np.array([[0, 10], [4, 20], [8, 0]], np.float32)
    found = interpolate(features, np.array([0.0, 0.25, 1.0, 1.5, 2.0]))
    assert found.tolist() == [[0, 10], [1, 12.5], [4, 20], [6, 10], [8, 0]]
