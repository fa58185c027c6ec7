"""Pictures of one recording: a model's output, n-best lists, the words over time."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from asr.plot.spectrogram import save_png

LOWEST = -8.0  # ln; what is less probable is as dark
MOST_TOKENS = 40
MOST_CHARACTERS = 110
MOST_POINTS = 2000  # of the waveform; the extremes of more samples are drawn

Array = NDArray[np.floating[Any]]
Look = dict[str, Any]
Listed = tuple[str, float]  # a hypothesis and its score, ln


class Span(NamedTuple):
    """A word from ``start`` to ``end``, in seconds; confidence from 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float


def draw_emissions(
    log_probs: Array,
    tokens: Sequence[str],
    path: Path,
    title: str,
    seconds_per_row: float,
    blank: int = 0,
) -> None:
    """Draw (T, V) log-probs as PNG, with the best token of every row marked.

    Args:
        log_probs: natural log.
        tokens: the V tokens.
        seconds_per_row: from one row to the next.

    Only tokens that matter here are shown, in the order in which the best path comes
    to them, so that it runs downwards; the blank is at the top.
    """
    best = log_probs.argmax(axis=1) if len(log_probs) else np.zeros(0, np.int64)
    shown = choose_tokens(log_probs, best, blank)
    seconds = len(log_probs) * seconds_per_row
    size = (min(14.0, max(6.0, 1.8 * seconds)), 1.6 + 0.17 * len(shown))
    figure = Figure(figsize=size, dpi=90)
    axes = figure.add_subplot()
    image = axes.imshow(
        log_probs[:, shown].T,
        aspect="auto",
        cmap="viridis",
        vmin=LOWEST,
        vmax=0.0,
        interpolation="nearest",
        extent=(0.0, max(seconds, seconds_per_row), len(shown) - 0.5, -0.5),
    )
    figure.colorbar(image, ax=axes, label="ln p", pad=0.01)
    draw_path(axes, best, shown, tokens, seconds_per_row, blank)
    axes.set_yticks(range(len(shown)), [tokens[i] for i in shown], fontsize=7)
    _finish(figure, axes, title, path)


def choose_tokens(
    log_probs: Array, best: NDArray[np.int64], blank: int, most: int = MOST_TOKENS
) -> list[int]:
    """List the blank, the best path's tokens as they come, then the likeliest others.

    Others only if they ever have a probability of 0.05.
    """
    found = dict.fromkeys([blank, *(int(i) for i in best)])
    if len(log_probs):
        top = log_probs.max(axis=0)
        found |= dict.fromkeys(int(i) for i in np.argsort(-top) if top[i] > -3.0)
    return list(found)[:most]


def draw_path(
    axes: Axes,
    best: NDArray[np.int64],
    shown: Sequence[int],
    tokens: Sequence[str],
    seconds_per_row: float,
    blank: int,
) -> None:
    """Draw the best path as a line, and a dot with its token where one is emitted."""
    places = {token: row for row, token in enumerate(shown)}
    rows = np.array([places.get(int(i), np.nan) for i in best], np.float64)
    times = (np.arange(len(best)) + 0.5) * seconds_per_row
    axes.plot(times, rows, color="white", linewidth=0.7, alpha=0.7)
    before = np.concatenate([[blank], best[:-1]]) if len(best) else best
    emitted = (best != blank) & (best != before) & ~np.isnan(rows)
    axes.plot(times[emitted], rows[emitted], "r.", markersize=6, label="emitted")
    look: Look = {"textcoords": "offset points", "color": "white", "fontsize": 7}
    for i in np.flatnonzero(emitted):
        axes.annotate(tokens[best[i]], (times[i], rows[i]), (3, 2), **look)


def draw_nbest(
    lists: Mapping[str, Sequence[Listed]], path: Path, title: str, most: int = 8
) -> None:
    """Draw the best ``most`` hypotheses of each decoder as PNG.

    Args:
        lists: decoder -> hypotheses with their scores, best first.

    A bar shows how far a score is below the decoder's best one; brackets show where a
    hypothesis differs from that.
    """
    rows = max([1, *(min(most, len(found)) for found in lists.values())])
    longest = max((len(t) for found in lists.values() for t, _ in found), default=0)
    width = min(14.0, max(6.0, 2.5 + 0.085 * min(longest, MOST_CHARACTERS)))
    height = len(lists) * (0.55 + 0.26 * rows) + 0.4
    figure = Figure(figsize=(width, height), dpi=90)
    for number, (name, found) in enumerate(lists.items(), start=1):
        draw_list(figure.add_subplot(len(lists), 1, number), name, found[:most], rows)
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    save_png(figure, path)


def draw_list(axes: Axes, name: str, found: Sequence[Listed], rows: int) -> None:
    """Draw one decoder's list as horizontal bars with the texts on them."""
    best = found[0] if found else ("", 0.0)
    behind = [score - best[1] for _, score in found]
    axes.barh(range(len(found)), behind, color="tab:orange", alpha=0.5, height=0.8)
    lowest = min([-1.0, *(b for b in behind if b > float("-inf"))])
    for row, ((text, _), ln) in enumerate(zip(found, behind, strict=True)):
        told = (marked(text, best[0]) if row else text) or "(nothing)"
        words = axes.text(lowest, row, f" {told}", va="center", fontsize=8)
        words.set_in_layout(False)  # a long one is cut off, and widens nothing
        look: Look = {"textcoords": "offset points", "fontsize": 7}
        axes.annotate(f"{ln:.2f}", (0, row), (4, -3), **look)
    axes.set_xlim(1.02 * lowest, 0.0)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_yticks(range(len(found)), [str(n + 1) for n in range(len(found))])
    axes.tick_params(labelsize=7)
    axes.set_title(f"{name} (ln score below its best)", fontsize=8, loc="left")


def marked(text: str, best: str) -> str:
    """Put brackets around the words in which ``text`` differs from ``best``.

    ``_`` stands for words that are left out.
    """
    words, others = text.split(), best.split()
    matcher = difflib.SequenceMatcher(a=others, b=words, autojunk=False)
    parts = []
    for kind, _, _, begin, end in matcher.get_opcodes():
        part = " ".join(words[begin:end])
        parts.append(part if kind == "equal" else f"[{part or '_'}]")
    told = " ".join(parts)
    return told if len(told) <= MOST_CHARACTERS else told[: MOST_CHARACTERS - 1] + "…"


def draw_words(
    samples: Array, sample_rate: int, words: Sequence[Span], path: Path, title: str
) -> None:
    """Draw (num_samples,) audio as PNG, each word over its time.

    Words are green where the decoder is sure of them, red where it is not; those that
    end after the audio are left out.
    """
    seconds = len(samples) / sample_rate
    shown = [word for word in words if word.end <= seconds + 0.1]
    width = min(14.0, max(6.0, 1.8 * seconds, 0.5 * len(shown)))
    figure = Figure(figsize=(width, 2.8), dpi=90)
    axes = figure.add_subplot()
    lowest, highest = envelope(samples)
    times = (np.arange(len(lowest)) + 0.5) * seconds / max(1, len(lowest))
    axes.fill_between(times, lowest, highest, color="0.45", linewidth=0.5)
    top = max(1e-3, float(np.abs(samples).max(initial=0.0)))
    axes.set_xlim(0.0, max(seconds, 1e-3))
    axes.set_ylim(-1.1 * top, 1.8 * top)
    for number, word in enumerate(shown):
        draw_word(axes, word, top, 0.18 * top * (number % 2))
    axes.set_yticks([])
    _finish(figure, axes, title, path)


def draw_word(axes: Axes, word: Span, top: float, raised: float) -> None:
    """Shade a word's time and write it above; ``raised`` keeps neighbours apart."""
    colour = colormaps["RdYlGn"](min(1.0, max(0.0, word.confidence)))
    axes.axvspan(word.start, word.end, color=colour, alpha=0.35, linewidth=0)
    middle, above = (word.start + word.end) / 2, 1.15 * top + raised
    axes.text(middle, above, word.text, ha="center", va="bottom", fontsize=8)


def envelope(samples: Array, most: int = MOST_POINTS) -> tuple[Array, Array]:
    """Find the lowest and highest samples of at most ``most`` groups of neighbours."""
    if len(samples) <= most:
        return samples, samples
    begins = np.linspace(0, len(samples), most, endpoint=False).astype(np.int64)
    return np.minimum.reduceat(samples, begins), np.maximum.reduceat(samples, begins)


def _finish(figure: Figure, axes: Axes, title: str, path: Path) -> None:
    axes.set_xlabel("seconds")
    axes.set_title(title, fontsize=9, loc="left")
    save_png(figure, path)
