"""The error rates over a grid of scales as text."""

from collections.abc import Sequence

from asr.decode.candidates import Point
from asr.decode.scale_search import Surface

MOST_ROWS = 26  # of one scale; beside those that were decoded


def surface_table(method: str, names: Sequence[str], surface: Surface) -> str:
    """Dev WER of the points: a row for each value of the first scale.

    With two scales the second makes the columns; of more scales the table shows the
    plane through the best point. Many values of one scale are thinned out.
    """
    kind = "decoded where marked + or *, else reranked; * is taken"
    rows, *more = surface.axes
    if not more:
        head = f"dev WER (%) of {method} by {names[0]}; {kind}"
        return "\n".join([head, *(_row(x, (x,), surface) for x in _thinned(surface))])
    head = f"dev WER (%) of {method}; rows {names[0]}, columns {names[1]}; {kind}"
    lines = [head, " " * 8 + "".join(f"{value:>6g} " for value in more[0])]
    for row in rows:
        cells = (_cell((row, x, *surface.best[2:]), surface) for x in more[0])
        lines.append(f"{row:>8g}" + "".join(cells))
    return "\n".join(lines)


def _thinned(surface: Surface) -> list[float]:
    (values,) = surface.axes
    every = -(-len(values) // MOST_ROWS)
    return sorted({*values[::every], *(value for (value,) in surface.decoded)})


def _row(value: float, point: Point, surface: Surface) -> str:
    return f"{value:>8g}{_cell(point, surface)}"


def _cell(point: Point, surface: Surface) -> str:
    known = surface.decoded.get(point)
    mark = " " if known is None else "*" if point == surface.best else "+"
    words, _ = known or surface.reranked[point]
    return f"{100 * words.rate:>6.2f}{mark}"
