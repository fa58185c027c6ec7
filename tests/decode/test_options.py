"""Bounds that no search can work with."""

from dataclasses import replace

import pytest

from asr.decode.options import SearchOptions, checked
from asr.errors import UsageError


def test_wrong_bounds_are_named() -> None:
    assert checked(SearchOptions()) == SearchOptions()
    for name, value, said in (
        ("beam_size", 0, "at least 1"),
        ("phone_beam_size", 0, "at least 1"),
        ("search_beam", -3.0, "above 0"),
        ("min_active", 3000, "less than max_active"),
        ("max_active", 1, "at least 2"),
        ("token_threshold", float("nan"), "above 0"),
    ):
        with pytest.raises(UsageError, match=f"decode.{name}={value}: .*{said}"):
            checked(replace(SearchOptions(), **{name: value}))  # type: ignore[arg-type]
