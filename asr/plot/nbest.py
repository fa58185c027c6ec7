"""N-best lists of several decoders, side by side."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asr.plot.spectrogram import save_png

Listed = tuple[str, float]  # a hypothesis and its score, ln
MOST_CHARACTERS = 110


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
        axes = figure.add_subplot(len(lists), 1, number)
        draw_list(axes, name, found[:most], rows)
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    save_png(figure, path)


def draw_list(axes: Axes, name: str, found: Sequence[Listed], rows: int) -> None:
    """One decoder's list as horizontal bars with the texts on them."""
    best = found[0] if found else ("", 0.0)
    behind = [score - best[1] for _, score in found]
    axes.barh(range(len(found)), behind, color="tab:orange", alpha=0.5, height=0.8)
    lowest = min([-1.0, *(b for b in behind if b > float("-inf"))])
    for row, ((text, _), ln) in enumerate(zip(found, behind, strict=True)):
        told = marked(text, best[0]) if row else text
        words = axes.text(
            lowest, row, f" {told or '(nothing)'}", va="center", fontsize=8
        )
        words.set_in_layout(False)  # a long one is cut off, and widens nothing
        axes.annotate(
            f"{ln:.2f}", (0, row), (4, -3), textcoords="offset points", fontsize=7
        )
    axes.set_xlim(1.02 * lowest, 0.0)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_yticks(range(len(found)), [str(n + 1) for n in range(len(found))])
    axes.tick_params(labelsize=7)
    axes.set_title(f"{name} (ln score below its best)", fontsize=8, loc="left")


def marked(text: str, best: str) -> str:
    """``text`` with brackets around the words in which it differs from ``best``.

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
