"""HLG as k2's general algorithms make it: what the direct construction must equal."""

from itertools import count, repeat

import k2
import torch

from asr.fsa.grammar import Grammar
from asr.fsa.lexicon import BACKOFF, Lexicon, lexicon_arcs, word_table


def reference_hlg(lexicon: Lexicon, grammar: Grammar, vocab_size: int) -> k2.Fsa:
    """H o rmeps(det(L o G)), arc-sorted (Mohri et al., 2008, in k2's form)."""
    backoff = word_table(lexicon)[BACKOFF]
    g = k2.Fsa.from_str(grammar_text(grammar, backoff), acceptor=True)
    rows = torch.tensor(lexicon_arcs(lexicon, vocab_size), dtype=torch.int32)
    arcs = torch.cat([rows[:, :3], torch.zeros_like(rows[:, :1])], dim=1)
    lang = k2.Fsa(arcs.contiguous(), aux_labels=rows[:, 3].contiguous())
    graph = k2.connect(k2.compose(k2.arc_sort(lang), k2.arc_sort(g)))
    graph = k2.connect(k2.determinize(graph))
    labels = graph.labels.clone()
    labels[labels >= vocab_size] = 0
    graph.labels = labels
    words = graph.aux_labels
    values = words.values if isinstance(words, k2.RaggedTensor) else words
    values[values >= backoff] = 0
    graph = k2.connect(k2.remove_epsilon(graph))
    if isinstance(graph.aux_labels, k2.RaggedTensor):
        graph.aux_labels = graph.aux_labels.remove_values_eq(0)
    topology = k2.ctc_topo(vocab_size - 1)
    graph = k2.compose(topology, k2.arc_sort(graph), inner_labels="tokens")
    return k2.arc_sort(k2.connect(graph))


def grammar_text(grammar: Grammar, backoff_label: int) -> str:
    """G in k2's text form, with a symbol on its back-off arcs."""
    final = grammar.num_states
    lower = zip(count(), grammar.backoff, repeat(backoff_label), grammar.backoff_score)
    arcs = [arc for arc in lower if arc[1] >= 0]
    arcs += zip(grammar.src, grammar.dst, grammar.word, grammar.score, strict=True)
    ends = enumerate(grammar.final)
    arcs += [(state, final, -1, score) for state, score in ends if score > -1e9]
    lines = (" ".join(map(str, arc)) for arc in sorted(arcs, key=lambda arc: arc[0]))
    return "\n".join([*lines, str(final)])


def linear(labels: list[int]) -> k2.Fsa:
    """An acceptor of one sequence, of score 0."""
    fsa = k2.linear_fsa(labels)
    fsa.scores = torch.zeros(fsa.num_arcs)  # k2 wants them with stride 1
    return fsa


def read_alignment(graph: k2.Fsa, alignment: list[int]) -> tuple[float, list[int]]:
    """Score and word ids of an arc-sorted graph's best path with these labels."""
    # k2 takes label 0 for epsilon, so that blanks are matched by exact composition
    paths = k2.intersect(graph, linear(alignment), treat_epsilons_specially=False)
    best = k2.shortest_path(k2.create_fsa_vec([k2.connect(paths)]), True)
    words = best.aux_labels
    ids = words.values if isinstance(words, k2.RaggedTensor) else words
    if best.num_arcs == 0:
        return float("-inf"), []
    return float(best.scores.double().sum()), [i for i in ids.tolist() if i > 0]
