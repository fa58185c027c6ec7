"""The exact denominator beside k2's search of the same graph."""

import pytest
import torch

from asr.train.denominator import Denominator, build_denominator
from asr.train.forward_backward import log_total
from asr.train.token_bigram import count_bigram

k2 = pytest.importorskip("k2")

TEXTS = ((1, 4, 4, 2), (3, 1), (2, 2, 1, 3, 4), (4,))


def k2_graph(graph: Denominator) -> "k2.Fsa":
    """The arcs of the dense matrices; k2 wants them sorted, the last state final."""
    size = len(graph.token)
    lines = []
    for state in range(size):
        for to in graph.moves[state].nonzero().flatten().tolist():
            score = graph.moves[state, to].log().item()
            lines.append(f"{state} {to} {graph.token[to].item()} {score:.9f}")
        lines.append(f"{state} {size} -1 {graph.ends[state].log().item():.9f}")
    return k2.arc_sort(k2.Fsa.from_str("\n".join([*lines, str(size)])))


def test_total_and_posteriors_are_those_of_k2() -> None:
    torch.manual_seed(0)
    graph = build_denominator(count_bigram(TEXTS, 5))
    log_probs = (2 * torch.randn(3, 20, 5)).log_softmax(-1)
    lengths = torch.tensor([20, 15, 7])
    ours, theirs = log_probs.clone().requires_grad_(), log_probs.requires_grad_()
    total = log_total(ours, lengths, graph.to(ours))

    rows = [(i, 0, n) for i, n in enumerate(lengths.tolist())]
    dense = k2.DenseFsaVec(theirs, torch.tensor(rows, dtype=torch.int32))
    graphs = k2.create_fsa_vec([k2_graph(graph)] * 3)
    lattice = k2.intersect_dense(graphs, dense, output_beam=1000.0)
    expected = lattice.get_tot_scores(log_semiring=True, use_double_scores=True)
    torch.testing.assert_close(total.double(), expected, atol=1e-3, rtol=0)

    total.sum().backward()
    expected.sum().backward()
    assert ours.grad is not None and theirs.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-4, rtol=0)
