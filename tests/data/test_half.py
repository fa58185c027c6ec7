"""Storage types: numpy's own conversion, bit for bit."""

import numpy as np

from asr.data.half import from_storage, to_storage


def test_every_half_is_widened_as_numpy_does() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).reshape(-1, 64)
    halves = halves[np.isfinite(halves).all(1)]
    assert len(halves) == 992
    assert np.array_equal(from_storage(halves), halves.astype(np.float32))
    assert np.array_equal(to_storage(from_storage(halves), "float16"), halves)


def test_rounded_as_numpy_does() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(scale=10, size=(3000, 80)).astype(np.float32)
    values[0] = 1 + np.float32(2**-11)  # half-way between two: to the even one
    values[1] = rng.uniform(-1e-7, 1e-7, 80)  # below the smallest normal number
    rounded = to_storage(values, "float16")
    assert rounded.dtype == np.float16
    assert np.array_equal(rounded, values.astype(np.float16))


def test_float32_stays() -> None:
    values = np.linspace(-1, 1, 160, dtype=np.float32).reshape(2, 80)
    assert np.array_equal(to_storage(values, "float32"), values)
    assert np.array_equal(from_storage(values), values)
