"""G and the decoding graph HLG, with k2.

The recipe of Mohri et al. (2008) in k2's form: L o G, determinized, without
epsilons, composed with the CTC topology H (Miao et al., "EESEN", ASRU 2015; Graves
et al., ICML 2006). k2 is needed, and imported by nothing else but asr/decode/hlg.py.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import k2
import torch

from asr.atomic import atomic_path
from asr.errors import RecipeError
from asr.fsa.lexicon import BACKOFF, Arc, Spelling, lexicon_arcs, word_table
from asr.lm.arpa import cut_arpa


def build_graphs(
    lexicon: Mapping[str, Spelling],
    vocab_size: int,
    arpa: Path,
    max_order: int,
    lang_dir: Path,
) -> None:
    """Write ``L.pt``, ``L_disambig.pt`` and ``HLG.pt``; words.txt must be there.

    Args:
        lexicon: words and their token ids.
        vocab_size: of the model; H has all tokens, blank 0 included.
        arpa: the n-gram.
        max_order: longer n-grams of it are not used (bounds memory and time).

    ``HLG.pt`` has the language model's scores (ln) a second time as the attribute
    ``lm_scores``, so that they can be scaled and told apart from acoustic ones.
    """
    first_disambig = vocab_size  # token ids from here on are #0, #1, ...
    with_disambig = arcs_to_fsa(lexicon_arcs(lexicon, first_disambig))
    save_fsa(arcs_to_fsa(lexicon_arcs(lexicon, None)), lang_dir / "L.pt")
    save_fsa(with_disambig, lang_dir / "L_disambig.pt")
    grammar = make_grammar(arpa, lang_dir / "words.txt", max_order)
    print(f"G: {size(grammar)}", flush=True)
    first_word_disambig = word_table(lexicon)[BACKOFF]
    graph = compile_hlg(
        with_disambig, grammar, vocab_size, first_disambig, first_word_disambig
    )
    save_fsa(graph, lang_dir / "HLG.pt")
    print(f"HLG: {size(graph)}", flush=True)


def arcs_to_fsa(arcs: Sequence[Arc]) -> k2.Fsa:
    """A transducer with zero scores; ``aux_labels`` are the word ids."""
    table = torch.tensor(arcs, dtype=torch.int32)
    words = table[:, 3].contiguous()
    rows = torch.cat([table[:, :3], torch.zeros_like(table[:, :1])], dim=1)
    return k2.arc_sort(k2.Fsa(rows.contiguous(), aux_labels=words))


def make_grammar(arpa: Path, words: Path, max_order: int) -> k2.Fsa:
    """G: an acceptor of word ids with ``#0`` on its back-off arcs; scores in ln.

    Args:
        max_order: longer n-grams are left out.
    """
    with tempfile.TemporaryDirectory(dir=words.parent, prefix=".g-") as folder:
        cut = Path(folder) / "g.arpa"
        cut_arpa(arpa, max_order, cut)
        text = _arpa_to_fst(cut, words)
    grammar = k2.Fsa.from_openfst(text, acceptor=False)
    del grammar.aux_labels
    return k2.arc_sort(grammar)


def _arpa_to_fst(arpa: Path, words: Path) -> str:
    """kaldilm in a process of its own, because it aborts on a damaged file."""
    command = [sys.executable, "-m", "kaldilm", f"--disambig-symbol={BACKOFF}"]
    command.append(f"--read-symbol-table={words}")
    ran = subprocess.run([*command, str(arpa)], capture_output=True, text=True)
    if ran.returncode != 0:
        said = [line for line in ran.stderr.splitlines() if line.startswith("[")]
        last = said[-1] if said else f"exit code {ran.returncode}"
        raise RecipeError(f"kaldilm failed on {arpa} ({last}): redo the lm stage (4)")
    return ran.stdout


def compile_hlg(
    lexicon: k2.Fsa,
    grammar: k2.Fsa,
    vocab_size: int,
    first_token_disambig: int,
    first_word_disambig: int,
) -> k2.Fsa:
    """H o rmeps(det(L o G)), arc-sorted, its scores copied to ``lm_scores``."""
    graph = k2.connect(k2.compose(lexicon, grammar))
    print(f"LG: {size(graph)}", flush=True)
    graph = k2.connect(k2.determinize(graph))
    _clear_from(graph, first_token_disambig, first_word_disambig)
    graph = k2.connect(k2.remove_epsilon(graph))
    if isinstance(graph.aux_labels, k2.RaggedTensor):  # some epsilon was removed
        graph.aux_labels = graph.aux_labels.remove_values_eq(0)
    print(f"LG determinized, without epsilons: {size(graph)}", flush=True)
    topology = k2.ctc_topo(vocab_size - 1)
    graph = k2.compose(topology, k2.arc_sort(graph), inner_labels="tokens")
    graph = k2.arc_sort(k2.connect(graph))
    del graph.tokens  # the labels again, without blanks: nothing needs them
    graph.lm_scores = graph.scores.clone()
    return graph


def _clear_from(graph: k2.Fsa, first_token: int, first_word: int) -> None:
    """Turn disambiguation symbols, once determinization is done, into epsilons."""
    labels = graph.labels.clone()
    labels[labels >= first_token] = 0
    graph.labels = labels  # the setter also renews k2's cached properties
    words = graph.aux_labels
    values = words.values if isinstance(words, k2.RaggedTensor) else words
    values[values >= first_word] = 0


def size(fsa: k2.Fsa) -> str:
    """States and arcs, for the log."""
    return f"{fsa.shape[0]} states, {fsa.num_arcs} arcs"


def save_fsa(fsa: k2.Fsa, path: Path) -> None:
    """Write in a form that loads fast, atomically."""
    with atomic_path(path) as partial:
        torch.save(fsa.as_dict(), partial)


def load_fsa(path: Path) -> k2.Fsa:
    """Read what ``save_fsa`` wrote."""
    return k2.Fsa.from_dict(torch.load(path, map_location="cpu"))
