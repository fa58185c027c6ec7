"""The bigram of tokens."""

import math

import pytest
import torch

from asr.train.token_bigram import count_bigram

TEXTS = ((1, 2, 1), (2,), ())


def test_rows_are_distributions() -> None:
    bigram = count_bigram(TEXTS, 4)
    rows = bigram.follows.sum(dim=1) + bigram.ends
    torch.testing.assert_close(rows, torch.ones(4, dtype=torch.float64))
    assert (bigram.follows[:, 1:] > 0).all() and (bigram.ends > 0).all()
    assert (bigram.follows[:, 0] == 0).all()


def test_without_a_prior_it_is_the_relative_frequency() -> None:
    bigram = count_bigram(TEXTS, 3, strength=0.0)
    begins = [0, 1 / 3, 1 / 3]  # of three sequences; the third ends at once
    assert bigram.follows[0].tolist() == pytest.approx(begins)
    assert bigram.follows[1].tolist() == pytest.approx([0, 0, 0.5])
    assert bigram.follows[2].tolist() == pytest.approx([0, 0.5, 0])
    assert bigram.ends.tolist() == pytest.approx([1 / 3, 0.5, 0.5])


def test_an_unseen_history_gets_the_unigram() -> None:
    bigram = count_bigram(TEXTS, 4)
    # 1, 2: twice each; the end: three times; each once more.
    unigram = torch.tensor([4, 3, 3, 1], dtype=torch.float64) / 11
    torch.testing.assert_close(bigram.follows[3, 1:], unigram[1:])
    assert bigram.ends[3].item() == pytest.approx(4 / 11)


def test_log_prob_of_a_sequence_is_its_product() -> None:
    bigram = count_bigram(TEXTS, 3)
    steps = [bigram.follows[0, 2], bigram.follows[2, 1], bigram.ends[1]]
    expected = sum(math.log(float(step)) for step in steps)
    assert bigram.log_prob((2, 1)) == pytest.approx(expected)
    assert bigram.log_prob(()) == pytest.approx(math.log(float(bigram.ends[0])))
