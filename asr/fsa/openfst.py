"""Decoding graphs as OpenFst files, for kaldi-decoder.

OpenFst's ``const`` format (Allauzen et al., CIAA 2007): a header, a table of states, a
table of arcs; both tables are columns of numbers here, written in one go.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.fsa.ctc_graph import FINAL, CtcGraph

MAGIC, VERSION, NO_FLAGS, NO_PROPERTIES, START = 2125659606, 2, 0, 0, 0
STATE = np.dtype(
    [("final", "<f4"), ("first", "<u4"), ("arcs", "<u4"), ("eps_in", "<u4")]
    + [("eps_out", "<u4")]
)
ARC = np.dtype([("input", "<i4"), ("output", "<i4"), ("cost", "<f4"), ("to", "<i4")])
CHUNK = 1 << 22  # arcs that are converted at once


def write_openfst(graph: CtcGraph, path: Path) -> None:
    """Write a graph as a ``const`` FST in the tropical semiring.

    Input labels are token ids + 1, because 0 is OpenFst's epsilon and CTC's blank;
    output labels are word ids; weights are costs, minus the ln scores. The file is not
    synchronized to the disk, for it is read at once and then deleted.
    """
    src, _, token, _ = graph.arcs.T
    final = token == FINAL
    states = _states(graph, final)
    header = struct.pack("<i", MAGIC) + _string("const") + _string("standard")
    header += struct.pack("<iiQ", VERSION, NO_FLAGS, NO_PROPERTIES)
    header += struct.pack("<qqq", START, len(states), len(src) - int(final.sum()))
    with open(path, "wb") as out:
        out.write(header)
        states.tofile(out)
        for arcs in _arcs(graph):
            arcs.tofile(out)


def _string(text: str) -> bytes:
    return struct.pack("<i", len(text)) + text.encode()


def _states(graph: CtcGraph, final: NDArray[np.bool_]) -> NDArray[np.void]:
    """k2's final state is kept as one that nothing leads to."""
    table = np.zeros(graph.num_states, STATE)
    table["final"] = np.inf
    score = graph.arcs[final, 3].copy().view(np.float32)
    table["final"][graph.arcs[final, 0]] = -score
    src = graph.arcs[~final, 0]
    table["arcs"] = np.bincount(src, minlength=len(table))
    table["first"] = np.cumsum(table["arcs"]) - table["arcs"]
    no_word = src[graph.words[~final] == 0]
    table["eps_out"] = np.bincount(no_word, minlength=len(table))
    return table


def _arcs(graph: CtcGraph) -> Iterator[NDArray[np.void]]:
    for first in range(0, len(graph.arcs), CHUNK):
        rows = graph.arcs[first : first + CHUNK]
        inner = rows[:, 2] != FINAL
        rows = rows[inner]
        table = np.empty(len(rows), ARC)
        table["input"], table["to"] = rows[:, 2] + 1, rows[:, 1]
        table["output"] = graph.words[first : first + CHUNK][inner]
        table["cost"] = -rows[:, 3].copy().view(np.float32)
        yield table
