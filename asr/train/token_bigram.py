"""A bigram of tokens, for the denominator of LF-MMI."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

STRENGTH = 10.0  # tokens that the unigram counts for, in every history


@dataclass(frozen=True)
class TokenBigram:
    """Probabilities (not logarithms) of V tokens; id 0, the blank, is none of them.

    Attributes:
        follows: (V, V) float64; row i is what comes after token i, row 0 what begins
            a sequence; column 0 is zero.
        ends: (V,) float64, what ends a sequence; each row of ``follows`` and its
            ``ends`` sum to 1.
    """

    follows: Tensor
    ends: Tensor

    def log_prob(self, tokens: Sequence[int]) -> float:
        """ln probability of a whole sequence."""
        ids = torch.tensor([0, *tokens])
        steps = self.follows[ids[:-1], ids[1:]].log().sum()
        return float(steps + self.ends[ids[-1]].log())


def count_bigram(
    sequences: Iterable[Sequence[int]], vocab_size: int, strength: float = STRENGTH
) -> TokenBigram:
    """Estimate from the training transcripts; everything has some probability.

    Counts are interpolated with the unigram as by a Dirichlet prior (MacKay and Peto,
    "A hierarchical Dirichlet language model", 1995); the unigram itself counts every
    token once more than it was seen. Column 0 stands for the end meanwhile.
    """
    counts = torch.zeros(vocab_size, vocab_size, dtype=torch.float64)
    for tokens in sequences:
        ids = torch.tensor([0, *tokens, 0])
        ones = torch.ones(len(ids) - 1, dtype=torch.float64)
        counts.index_put_((ids[:-1], ids[1:]), ones, accumulate=True)
    unigram = counts.sum(dim=0) + 1
    unigram /= unigram.sum()
    probs = (counts + strength * unigram) / (counts.sum(1, keepdim=True) + strength)
    ends = probs[:, 0].clone()
    probs[:, 0] = 0
    return TokenBigram(probs, ends)
