"""Pictures of one recording: what is drawn where, and the same bytes every time."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from asr.plot.recording import (
    Span,
    choose_tokens,
    draw_emissions,
    draw_list,
    draw_nbest,
    draw_path,
    draw_word,
    draw_words,
    envelope,
    marked,
)
from tests.plot.test_curves import pixels

TOKENS = ["<blk>", "<unk>", "▁A", "B", "C"]


def emissions(path: list[int], vocab: int = 5) -> np.ndarray:
    """(T, V) log-probs whose best tokens are ``path``."""
    rows = np.full((len(path), vocab), 0.001)
    rows[np.arange(len(path)), path] = 1.0
    return np.log(rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)


def test_tokens_come_in_the_order_of_the_best_path() -> None:
    log_probs = emissions([0, 3, 3, 0, 2])
    assert choose_tokens(log_probs, log_probs.argmax(axis=1), 0) == [0, 3, 2]
    log_probs[1, 4] = np.log(0.06)  # never the best, and likely once
    assert choose_tokens(log_probs, log_probs.argmax(axis=1), 0) == [0, 3, 2, 4]
    assert choose_tokens(log_probs, log_probs.argmax(axis=1), 0, most=2) == [0, 3]


def test_the_path_has_a_dot_for_every_token_that_is_emitted() -> None:
    best = np.array([0, 3, 3, 0, 3, 2, 2, 0])
    axes = Figure().add_subplot()
    draw_path(axes, best, [0, 3, 2], TOKENS, 0.04, 0)
    line, dots = axes.lines
    assert list(line.get_ydata()) == [0, 1, 1, 0, 1, 2, 2, 0]
    assert list(dots.get_ydata()) == [1, 1, 2]
    assert np.allclose(dots.get_xdata(), [0.06, 0.18, 0.22])
    assert [t.get_text() for t in axes.texts] == ["B", "B", "▁A"]


@pytest.mark.parametrize("path", [[], [2], [0, 2, 3] * 50])
def test_emissions_of_any_length(tmp_path: Path, path: list[int]) -> None:
    draw_emissions(emissions(path), TOKENS, tmp_path / "a.png", "x", 0.04)
    draw_emissions(emissions(path), TOKENS, tmp_path / "b.png", "x", 0.04)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert pixels(tmp_path / "a.png").std() > 5


@pytest.mark.parametrize(
    ("text", "best", "expected"),
    [
        ("A B C", "A B C", "A B C"),
        ("A X C", "A B C", "A [X] C"),
        ("A C", "A B C", "A [_] C"),
        ("A B C D", "A B C", "A B C [D]"),
        ("", "A", "[_]"),
        ("", "", ""),
    ],
)
def test_brackets_show_where_a_hypothesis_differs(
    text: str, best: str, expected: str
) -> None:
    assert marked(text, best) == expected


def test_a_list_has_its_scores_below_the_best(tmp_path: Path) -> None:
    axes = Figure().add_subplot()
    draw_list(axes, "beam", [("A B", -5.0), ("A", -7.5)], 3)
    assert [bar.get_width() for bar in axes.patches] == [0.0, -2.5]
    said = [t.get_text() for t in axes.texts]
    assert said == [" A B", "0.00", " A [_]", "-2.50"]


def test_lists_of_any_size(tmp_path: Path) -> None:
    never = float("-inf")
    lists = {"beam": [("A " * 200, -3.0), ("", -4.0)], "beam-lm": [("", never)]}
    lists["hlg"] = []
    draw_nbest(lists, tmp_path / "a.png", "x")
    draw_nbest({"beam": [("A", -1.0)] * 30}, tmp_path / "b.png", "x")
    assert pixels(tmp_path / "a.png").std() > 5
    assert pixels(tmp_path / "b.png").std() > 5


def test_the_envelope_keeps_every_peak() -> None:
    samples = np.random.default_rng(0).normal(size=12_345).astype(np.float32)
    lowest, highest = envelope(samples, most=100)
    assert len(lowest) == len(highest) == 100
    assert lowest.min() == samples.min() and highest.max() == samples.max()
    groups = np.linspace(0, len(samples), 101).astype(int)
    assert highest[7] == samples[groups[7] : groups[8]].max()


def test_a_word_lies_over_its_time_in_the_colour_of_its_confidence() -> None:
    axes = Figure().add_subplot()
    draw_word(axes, Span("YES", 1.0, 1.5, 1.0), 0.5, 0.0)
    draw_word(axes, Span("NO", 2.0, 2.25, 0.0), 0.5, 0.1)
    sure, unsure = axes.patches
    (left, _), (right, _) = sure.get_extents().transformed(
        axes.transData.inverted()
    ).get_points().round(6)  # fmt: skip
    assert (left, right) == (1.0, 1.5)
    assert sure.get_facecolor()[1] > sure.get_facecolor()[0]  # green
    assert unsure.get_facecolor()[0] > unsure.get_facecolor()[1]  # red
    assert [t.get_position()[0] for t in axes.texts] == [1.25, 2.125]


@pytest.mark.parametrize("seconds", [0, 1, 30])
def test_words_over_any_length(tmp_path: Path, seconds: int) -> None:
    samples = 0.1 * np.sin(np.arange(seconds * 16000) * 0.05)
    words = [Span(f"W{i}", i, i + 0.5, 0.1 * i) for i in range(40)]
    for name in ("a.png", "b.png"):
        draw_words(samples, 16000, words, tmp_path / name, "x")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert pixels(tmp_path / "a.png").shape[1] == (1260 if seconds == 30 else 540)
