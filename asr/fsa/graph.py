"""What stage 5 writes: L, G for rescoring, and the decoding graph HLG.

The files are k2's (``k2.Fsa.from_dict(torch.load(path))``), but nothing here needs k2:
the graphs are made in numpy, so that they can be searched where k2 cannot be installed.
"""

import pickle
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asr.atomic import atomic_path
from asr.errors import RecipeError
from asr.fsa.backoff import WordArcs, pay_backoffs
from asr.fsa.ctc_graph import FINAL, CtcGraph, build_ctc_graph
from asr.fsa.grammar import Grammar, Ints, read_grammar
from asr.fsa.lexicon import Arc, Lexicon, lexicon_arcs, word_table
from asr.fsa.word_trees import build_token_graph, spelling_table


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
    save_arcs(*_lexicon_fsa(lexicon_arcs(lexicon, None)), lang_dir / "L.pt")
    with_disambig = lexicon_arcs(lexicon, vocab_size)
    save_arcs(*_lexicon_fsa(with_disambig), lang_dir / "L_disambig.pt")
    grammar = read_grammar(arpa, word_table(lexicon), max_order)
    _say("G", grammar, began)
    token_graph = build_token_graph(spelling_table(lexicon), grammar)
    del grammar
    _say("LG", token_graph, began)
    graph = build_ctc_graph(token_graph)
    del token_graph
    _say("HLG", graph, began)
    save_arcs(graph.arcs, graph.words, lang_dir / "HLG.pt")
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
    save_arcs(rescoring_arcs(grammar), None, lang_dir / "G.pt")


def rescoring_arcs(grammar: Grammar) -> Ints:
    """G without epsilons but loops, in k2's layout; see ``CtcGraph.arcs``."""
    words = WordArcs(
        grammar.src, grammar.dst, grammar.word, grammar.word, grammar.score
    )
    parts, final = pay_backoffs(grammar, [], [words], max_copied=0)
    states = np.arange(grammar.num_states, dtype=np.int32)
    src, dst, word, score = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("src", "dst", "word", "score")
    )
    ends = np.flatnonzero(final > -np.inf)
    rows = np.empty((len(src) + len(states) + len(ends), 4), np.int32)
    end_state = np.full(len(ends), len(states))
    rows[:, 0] = np.concatenate([src, states, ends])
    rows[:, 1] = np.concatenate([dst, states, end_state])
    rows[:, 2] = np.concatenate([word, 0 * states, 0 * end_state + FINAL])
    scores = np.concatenate([score, np.zeros(len(states)), final[ends]])
    rows[:, 3] = scores.astype(np.float32).view(np.int32)
    return _sorted(rows)


def _lexicon_fsa(arcs: Sequence[Arc]) -> tuple[Ints, Ints]:
    """A transducer with zero scores: its arcs, sorted, and their word ids."""
    table = _sorted(np.array(arcs, np.int32))
    words = table[:, 3].copy()
    table[:, 3] = 0
    return table, words


def _sorted(arcs: Ints) -> Ints:
    """By source, then label; k2 has the final label -1 behind all others."""
    order = np.lexsort((arcs[:, 2].astype(np.uint32), arcs[:, 0]))
    rows: Ints = arcs[order]
    return rows


def _say(name: str, graph: object, began: float) -> None:
    print(f"{name}: {graph}, {time.monotonic() - began:.1f} s", flush=True)


def save_arcs(arcs: Ints, words: Ints | None, path: Path) -> None:
    """Write arcs, and words as ``aux_labels``, atomically, in k2's form."""
    content = {"arcs": torch.from_numpy(arcs)}
    if words is not None:
        content["aux_labels"] = torch.from_numpy(words)
    with atomic_path(path) as partial:
        torch.save(content, partial)


def load_tensors(path: Path) -> dict[str, Any]:
    """What ``save_arcs`` has written; RecipeError if the file is damaged.

    Of a pickle that holds anything but tensors nothing is run.
    """
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
        RecipeError: it is missing, or of an earlier version of the recipe.
    """
    if not path.is_file():
        raise RecipeError(f"{path} is missing: run the graph stage (5) first")
    content = load_tensors(path)
    words = content.get("aux_labels")
    if not isinstance(words, torch.Tensor):
        raise RecipeError(f"{path} is of an older form: redo the graph stage (5)")
    return CtcGraph(content["arcs"].numpy(), words.numpy())
