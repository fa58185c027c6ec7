"""The error rates over a grid of scales as text."""

from collections.abc import Sequence

from asr.decode.candidates import Point
from asr.decode.scale_search import Surface

MOST_ROWS = 26  # of one scale, beside those that were decoded
MOST_COLUMNS = 13


def surface_table(method: str, names: Sequence[str], surface: Surface) -> str:
    """Dev WER of the points: a row for each value of the first scale.

    With two scales the second makes the columns; of more scales the table shows the
    plane through the best point. Many values are thinned out, to what is decoded and
    some between.
    """
    rows = _thinned(surface, 0, MOST_ROWS)
    kind = "decoded where marked + or *, else reranked; * is taken"
    if len(names) == 1:
        head = f"dev WER (%) of {method} by {names[0]}; {kind}"
        cells = (f"{x:>8g}{_cell((x,), surface)}" for x in rows)
        return "\n".join([head, *cells])
    columns = _thinned(surface, 1, MOST_COLUMNS)
    head = f"dev WER (%) of {method}; rows {names[0]}, columns {names[1]}; {kind}"
    lines = [head, " " * 8 + "".join(f"{y:>6g} " for y in columns)]
    for x in rows:
        plane = ((x, y, *surface.best[2:]) for y in columns)
        lines.append(f"{x:>8g}" + "".join(_cell(point, surface) for point in plane))
    return "\n".join(lines)


def _thinned(surface: Surface, scale: int, most: int) -> list[float]:
    """At most so many values of one scale, and those of the points in the table."""
    values = surface.axes[scale]
    every = -(-len(values) // most)
    rest = surface.best[2:]
    return sorted(
        {*values[::every], *(p[scale] for p in surface.decoded if p[2:] == rest)}
    )


def _cell(point: Point, surface: Surface) -> str:
    known = surface.decoded.get(point)
    mark = " " if known is None else "*" if point == surface.best else "+"
    words, _ = known or surface.reranked[point]
    return f"{100 * words.rate:>6.2f}{mark}"
