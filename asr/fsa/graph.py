"""Write and read graphs: L, G for rescoring, and the decoding graph HLG.

The files are k2's (``k2.Fsa.from_dict(torch.load(path))``), but nothing here needs k2:
the graphs are made in numpy, so that they can be searched where k2 cannot be installed.
For kaldi-decoder HLG is written in OpenFst's ``const`` format (Allauzen et al., CIAA
2007): a header, a table of states, a table of arcs.
"""

import pickle
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from asr.atomic import atomic_path
from asr.errors import RecipeError
from asr.fsa.ctc_graph import FINAL, CtcGraph, build_ctc_graph
from asr.fsa.grammar import Ints, read_grammar
from asr.fsa.lexicon import Lexicon, lexicon_arcs, word_table
from asr.fsa.token_graph import Arcs, build_token_graph, pay_backoffs

OPENFST_STATE = np.dtype("<f4, <u4, <u4, <u4, <u4")
OPENFST_STATE.names = "final", "first", "arcs", "eps_in", "eps_out"
OPENFST_ARC = np.dtype("<i4, <i4, <f4, <i4")
OPENFST_ARC.names = "input", "output", "cost", "to"
OPENFST_CHUNK = 1 << 22  # arcs that are converted at once


def build_graphs(
    lexicon: Lexicon,
    vocab_size: int,
    arpa: Path,
    max_order: int,
    lang_dir: Path,
) -> None:
    """Write ``L.pt``, ``L_disambig.pt`` and ``HLG.pt``.

    Args:
        lexicon: words and the token ids of all their spellings.
        vocab_size: of the model, blank 0 included; disambiguation symbols come next.
        arpa: the n-gram.
        max_order: longer n-grams of it are not used (bounds memory and time).

    Raises:
        RecipeError: the n-gram is damaged, or its graph would not fit into memory.
    """
    began = time.monotonic()
    for name, first_disambig in (("L.pt", None), ("L_disambig.pt", vocab_size)):
        arcs = _sorted(np.array(lexicon_arcs(lexicon, first_disambig), np.int32))
        words = arcs[:, 3].copy()
        arcs[:, 3] = 0  # the scores
        _save(arcs, words, lang_dir / name)
    grammar = read_grammar(arpa, word_table(lexicon), max_order)
    _say("G", grammar, began)
    token_graph = build_token_graph(lexicon, grammar)
    del grammar
    _say("LG", token_graph, began)
    graph = build_ctc_graph(token_graph)
    del token_graph
    _say("HLG", graph, began)
    _save(graph.arcs, graph.words, lang_dir / "HLG.pt")
    print(f"{lang_dir / 'HLG.pt'}: {time.monotonic() - began:.1f} s", flush=True)


def build_rescoring_grammar(
    lexicon: Lexicon, arpa: Path, max_order: int, lang_dir: Path
) -> None:
    """Write ``G.pt``, the acceptor of word ids that lattices are intersected with.

    As in HLG, what backs off pays on the way in, for lattices have no epsilon to spare
    between two words; and every state has an epsilon loop, for those that they have.
    """
    began = time.monotonic()
    grammar = read_grammar(arpa, word_table(lexicon), max_order)
    _say("G for rescoring", grammar, began)
    word = grammar.word
    words = Arcs(grammar.src, grammar.dst, word, word, grammar.score)
    arcs, final = pay_backoffs(grammar, [], [words], max_copied=0)
    states = np.arange(grammar.num_states, dtype=np.int32)
    ends = np.flatnonzero(final > -np.inf)
    scores = np.concatenate([arcs.score, np.zeros(len(states)), final[ends]])
    columns = (
        [arcs.src, states, ends],
        [arcs.dst, states, np.full(len(ends), len(states))],
        [arcs.word, 0 * states, np.full(len(ends), FINAL)],
        [scores.astype(np.float32).view(np.int32)],
    )
    rows = [np.concatenate(column, dtype=np.int32) for column in columns]
    _save(_sorted(np.stack(rows, axis=1)), None, lang_dir / "G.pt")


def _say(name: str, graph: object, began: float) -> None:
    print(f"{name}: {graph}, {time.monotonic() - began:.1f} s", flush=True)


def _sorted(arcs: Ints) -> Ints:
    """Sort by source, then label; k2 has the final label -1 behind all others."""
    order = np.lexsort((arcs[:, 2].astype(np.uint32), arcs[:, 0]))
    rows: Ints = arcs[order]
    return rows


def _save(arcs: Ints, words: Ints | None, path: Path) -> None:
    """Write arcs, and words as ``aux_labels``, atomically, in k2's form."""
    content = {"arcs": torch.from_numpy(arcs)}
    if words is not None:
        content["aux_labels"] = torch.from_numpy(words)
    with atomic_path(path) as partial:
        torch.save(content, partial)


def load_tensors(path: Path) -> dict[str, Any]:
    """Read a graph's tensors, running no code of the file; RecipeError if damaged."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(content, dict) or "arcs" not in content:
            raise ValueError("no arcs")
    except (
        RuntimeError,
        ValueError,
        EOFError,
        OSError,
        LookupError,
        AttributeError,
        pickle.UnpicklingError,
    ) as error:
        raise RecipeError(
            f"{path} is damaged: delete it and run the command that makes it again "
            "(of the recipe's: stage 5)"
        ) from error
    return content


def load_graph(path: Path) -> CtcGraph:
    """Read ``HLG.pt``.

    Raises:
        RecipeError: it is missing, damaged, or of an earlier version of the recipe.
    """
    if not path.is_file():
        raise RecipeError(f"{path} is missing: run the graph stage (5) first")
    content = load_tensors(path)
    words = content.get("aux_labels")
    if not isinstance(words, torch.Tensor):
        raise RecipeError(f"{path} is of an older form: redo the graph stage (5)")
    return CtcGraph(content["arcs"].numpy(), words.numpy())


def write_openfst(graph: CtcGraph, path: Path) -> None:
    """Write a graph as a ``const`` FST in the tropical semiring.

    Input labels are token ids + 1, because 0 is OpenFst's epsilon and CTC's blank;
    output labels are word ids; weights are costs, minus the ln scores. k2's final state
    is kept as one that nothing leads to. The file is not synchronized to the disk, for
    it is read at once and then deleted.
    """
    final = graph.arcs[:, 2] == FINAL
    src = graph.arcs[~final, 0]
    states = np.zeros(graph.num_states, OPENFST_STATE)
    states["final"] = np.inf
    states["final"][graph.arcs[final, 0]] = -_scores(graph.arcs[final])
    states["arcs"] = np.bincount(src, minlength=len(states))
    states["first"] = np.cumsum(states["arcs"]) - states["arcs"]
    no_word = src[graph.words[~final] == 0]
    states["eps_out"] = np.bincount(no_word, minlength=len(states))
    magic, version, flags, properties, start = 2125659606, 2, 0, 0, 0
    header = struct.pack("<ii5si8s", magic, 5, b"const", 8, b"standard")
    header += struct.pack("<iiQ", version, flags, properties)
    header += struct.pack("<qqq", start, len(states), len(src))
    with open(path, "wb") as out:
        out.write(header)
        states.tofile(out)
        for first in range(0, len(graph.arcs), OPENFST_CHUNK):
            chunk = slice(first, first + OPENFST_CHUNK)
            rows = graph.arcs[chunk][~final[chunk]]
            table = np.empty(len(rows), OPENFST_ARC)
            table["input"], table["to"] = rows[:, 2] + 1, rows[:, 1]
            table["output"] = graph.words[chunk][~final[chunk]]
            table["cost"] = -_scores(rows)
            table.tofile(out)


def _scores(arcs: Ints) -> NDArray[np.float32]:
    return arcs[:, 3].copy().view(np.float32)
