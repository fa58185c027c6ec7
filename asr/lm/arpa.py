"""ARPA files (the format of SRILM's ngram-format(5))."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from asr.atomic import atomic_path


def cut_arpa(source: Path, max_order: int, target: Path) -> None:
    """Write the n-grams of ``source`` up to ``max_order``, as a model of that order.

    Its longest n-grams have no back-off weight, as in every ARPA file: with one, a graph
    made of it would have a state for each of them that is left again at once.
    """
    with (
        source.open("rb") as lines,
        atomic_path(target) as partial,
        partial.open("wb") as out,
    ):
        out.writelines(_cut(lines, max_order))


def _cut(lines: Iterable[bytes], max_order: int) -> Iterator[bytes]:
    order = 0  # of the section; 0 in the header
    highest = 0
    for line in lines:
        if counted := re.match(rb"ngram\s+(\d+)\s*=", line):
            highest = max(highest, int(counted[1]))
            if int(counted[1]) > max_order:
                continue
        elif section := re.match(rb"\\(\d+)-grams:", line):
            order = int(section[1])
        elif line.startswith(b"\\end\\"):
            order = 0
        elif order == max_order < highest and line.strip():
            probability, *words = line.split()
            line = probability + b"\t" + b" ".join(words[:order]) + b"\n"
        if order <= max_order:
            yield line
