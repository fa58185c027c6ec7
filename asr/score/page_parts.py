"""Tables, alignments and other parts of the report page, as HTML."""

from collections.abc import Sequence
from html import escape

from asr.score.align import GAP, Alignment
from asr.score.bootstrap import Comparison, Interval
from asr.score.details import Pair

TOP_PAIRS = 15  # of each kind


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], best: int | None = None
) -> str:
    """A table that can be sorted; cells are HTML already.

    Args:
        best: row to be marked.
    """
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join(
        f"<tr{' class=best' if i == best else ''}>"
        + "".join(
            cell if cell.startswith("<td") else f"<td>{cell}</td>" for cell in row
        )
        + "</tr>\n"
        for i, row in enumerate(rows)
    )
    return (
        f'<div class="scroll"><table class="sortable"><thead><tr>{titles}</tr></thead>'
        f"<tbody>\n{body}</tbody></table></div>"
    )


def percent(found: Interval) -> str:
    """A cell with the value and its interval, sorted by the value."""
    return (
        f'<td data-value="{100 * found.value:.4f}"><strong>{100 * found.value:.2f}'
        f'</strong> <span class="dim">{100 * found.low:.1f} – {100 * found.high:.1f}'
        "</span></td>"
    )


def bar(found: Interval, most: float) -> str:
    """The interval as a bar, on a scale that ends at ``most``."""
    left, width, mark = (
        100 * value / most if most else 0.0
        for value in (found.low, found.high - found.low, found.value)
    )
    return (
        f'<td data-value="{found.value:.6f}"><span class="range">'
        f'<i style="left:{left:.1f}%;width:{width:.1f}%"></i>'
        f'<b style="left:{mark:.1f}%"></b></span></td>'
    )


def difference(found: Comparison | None) -> str:
    """A cell with how much a decoder is worse than the best one."""
    if found is None:
        return '<td data-value="0"><span class="dim">best</span></td>'
    gained = found.difference
    p_value = f"p {found.p:.3f}" if found.p >= 0.001 else "p &lt; 0.001"
    return (
        f'<td data-value="{100 * gained.value:.4f}">{100 * gained.value:+.2f} '
        f'<span class="dim">{100 * gained.low:+.1f} to {100 * gained.high:+.1f}, '
        f"{p_value}</span></td>"
    )


def alignment(found: Alignment) -> str:
    """Reference above hypothesis, errors in colour."""
    pairs = (
        f'<span class="pair {kind}"><span>{escape(ref or GAP)}</span>'
        f"<span>{escape(hyp or GAP)}</span></span>"
        for (ref, hyp), kind in zip(found.pairs, found.operations, strict=True)
    )
    return f'<div class="pairs">{"".join(pairs)}</div>'


def confusions(pairs: Sequence[Pair]) -> str:
    """The most frequent substitutions, deletions and insertions side by side."""
    columns = []
    for kind, head in (
        ("substitution", ("said", "recognised", "times")),
        ("deletion", ("left out", "times")),
        ("insertion", ("made up", "times")),
    ):
        rows = [
            [*(escape(word) for word in (ref, hyp) if word != GAP), str(-count)]
            for found, count, ref, hyp in pairs
            if found == kind
        ]
        if rows:
            columns.append(f"<div>{table(head, rows[:TOP_PAIRS])}</div>")
    return f'<div class="columns">{"".join(columns) or "no errors"}</div>'
