"""LF-MMI: the exact sum over paths, its gradient, and the loss made of it."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from asr.data.dataset import Batch
from asr.train.denominator import build_denominator
from asr.train.forward_backward import log_total
from asr.train.loss import ctc_loss
from asr.train.mmi_step import MmiLoss
from asr.train.token_bigram import count_bigram

TEXTS = ((1, 1, 2), (2, 1), (2,))
VOCAB = 3


def random_scores(*shape: int, spread: float = 2.0) -> Tensor:
    torch.manual_seed(3)
    return spread * torch.randn(*shape, VOCAB, dtype=torch.float64)


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(token for token, _ in itertools.groupby(path) if token)


def by_enumeration(scores: Tensor) -> float:
    """ln of the sum over all V ** T rows of tokens, each with its text's prior."""
    bigram = count_bigram(TEXTS, VOCAB)
    terms = [
        sum(float(scores[t, token]) for t, token in enumerate(path))
        + bigram.log_prob(collapsed(path))
        for path in itertools.product(range(VOCAB), repeat=len(scores))
    ]
    return torch.tensor(terms, dtype=torch.float64).logsumexp(0).item()


@pytest.mark.parametrize("frames", [1, 2, 6])
def test_total_is_the_sum_over_all_paths(frames: int) -> None:
    scores = random_scores(1, frames)
    graph = build_denominator(count_bigram(TEXTS, VOCAB))
    total = log_total(scores, torch.tensor([frames]), graph)
    assert total.item() == pytest.approx(by_enumeration(scores[0]), abs=1e-9)


def test_every_utterance_has_its_own_length() -> None:
    scores, lengths = random_scores(3, 5), torch.tensor([2, 5, 1])
    graph = build_denominator(count_bigram(TEXTS, VOCAB))
    expected = [by_enumeration(s[:n]) for s, n in zip(scores, lengths, strict=True)]
    for row, length in zip(scores, lengths, strict=True):
        row[length:] = float("nan")  # nothing may be read behind the end
    total = log_total(scores, lengths, graph)
    assert total.tolist() == pytest.approx(expected, abs=1e-9)


def test_gradient_is_that_of_finite_differences() -> None:
    scores = random_scores(2, 5).requires_grad_()
    graph, lengths = build_denominator(count_bigram(TEXTS, VOCAB)), torch.tensor([5, 3])
    weights = torch.tensor([1.0, -0.5], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x: log_total(x, lengths, graph) * weights, (scores,)
    )


def test_posteriors_sum_to_one_in_real_frames_only() -> None:
    scores = random_scores(2, 6).requires_grad_()
    graph = build_denominator(count_bigram(TEXTS, VOCAB))
    log_total(scores, torch.tensor([6, 4]), graph).sum().backward()
    assert scores.grad is not None
    sums = scores.grad.sum(-1)
    torch.testing.assert_close(sums[0], torch.ones(6, dtype=torch.float64))
    torch.testing.assert_close(sums[1], torch.tensor([1.0, 1, 1, 1, 0, 0]).double())


def test_float32_holds_over_a_thousand_sharp_frames() -> None:
    scores = random_scores(1, 1000, spread=40.0).log_softmax(-1)
    graph, lengths = build_denominator(count_bigram(TEXTS, VOCAB)), torch.tensor([1000])
    exact, coarse = scores.clone().requires_grad_(), scores.float().requires_grad_()
    expected = log_total(exact, lengths, graph)
    found = log_total(coarse, lengths, graph.to(coarse))
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    expected.sum().backward()
    found.sum().backward()
    assert exact.grad is not None and coarse.grad is not None
    torch.testing.assert_close(coarse.grad, exact.grad.float(), atol=1e-3, rtol=0)


def make_batch(texts: tuple[tuple[int, ...], ...], frames: int) -> Batch:
    return Batch(
        ids=tuple(str(i) for i in range(len(texts))),
        features=torch.zeros(len(texts), frames, 1),
        feature_lengths=torch.full((len(texts),), frames),
        tokens=torch.tensor([token for text in texts for token in text]),
        token_lengths=torch.tensor([len(text) for text in texts]),
    )


def test_loss_is_minus_the_ln_posterior_of_the_transcript() -> None:
    scores, lengths = random_scores(2, 6).float(), torch.tensor([6, 6])
    batch, bigram = make_batch(((1, 1), (2, 1)), 6), count_bigram(TEXTS, VOCAB)
    criterion = MmiLoss(TEXTS, VOCAB, ctc_scale=0.0)
    for text, row, loss in zip(
        ((1, 1), (2, 1)), scores, criterion(scores, lengths, batch), strict=True
    ):
        paths = (
            sum(float(row[t, token]) for t, token in enumerate(path))
            for path in itertools.product(range(VOCAB), repeat=6)
            if collapsed(path) == text
        )
        spoken = math.log(sum(map(math.exp, paths))) + bigram.log_prob(text)
        assert loss.item() == pytest.approx(by_enumeration(row) - spoken, abs=1e-4)


def test_no_transcript_beats_the_denominator() -> None:
    torch.manual_seed(0)
    criterion = MmiLoss(TEXTS, VOCAB, ctc_scale=0.0)
    batch = make_batch(tuple(TEXTS[i % 3] for i in range(60)), 7)
    log_probs = (6 * torch.randn(60, 7, VOCAB)).log_softmax(-1)
    assert criterion(log_probs, torch.full((60,), 7), batch).min() > -1e-4


def test_losses_of_all_texts_are_a_distribution() -> None:
    """Over every text that fits into three frames, exp(-loss) sums to 1."""
    texts = tuple(
        text
        for size in range(4)
        for text in itertools.product((1, 2), repeat=size)
        if size + sum(a == b for a, b in itertools.pairwise(text)) <= 3
    )
    scores = random_scores(1, 3).float().expand(len(texts), -1, -1)
    criterion = MmiLoss(TEXTS, VOCAB, ctc_scale=0.0)
    losses = criterion(scores, torch.full((len(texts),), 3), make_batch(texts, 3))
    assert losses.neg().exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_ctc_is_added_with_its_scale() -> None:
    scores, lengths = random_scores(1, 6).float().log_softmax(-1), torch.tensor([6])
    batch = make_batch(((1, 2),), 6)
    plain, mixed = (
        MmiLoss(TEXTS, VOCAB, scale)(scores, lengths, batch) for scale in (0.0, 0.5)
    )
    expected = 0.5 * ctc_loss(scores, lengths, batch)
    torch.testing.assert_close(mixed - plain, expected)
