"""The denominator of LF-MMI: everything that the model might have said, as a graph."""

from dataclasses import dataclass

import torch
from torch import Tensor

from asr.train.token_bigram import TokenBigram


@dataclass(frozen=True)
class Denominator:
    """A token bigram upon the CTC topology, as dense matrices of probabilities.

    The topology is that of asr/fsa/ctc_graph.py: a frame's token is a new one, or the
    last frame's again; between two equal tokens there is a blank. S = 2 V - 1 states:
    state t < V has just emitted token t (state 0: blanks, before any token), state
    V - 1 + t a blank since token t. A path begins in state 0 before the first frame.

    Attributes:
        moves: (S, S) probability of going from one state to another with a frame.
        token: (S,) int64, what a state emits.
        ends: (S,) probability of ending there.
    """

    moves: Tensor
    token: Tensor
    ends: Tensor

    def to(self, like: Tensor) -> "Denominator":
        """The same in the type and on the device of ``like``."""
        return Denominator(
            self.moves.to(like), self.token.to(like.device), self.ends.to(like)
        )


def build_denominator(bigram: TokenBigram) -> Denominator:
    """The graph of a bigram, in float64."""
    size = len(bigram.ends)
    real = torch.arange(1, size)
    blank = real + size - 1
    moves = torch.zeros(2 * size - 1, 2 * size - 1, dtype=torch.float64)
    moves[0, :size] = bigram.follows[0]
    moves[0, 0] = 1
    moves[real, 1:size] = bigram.follows[1:, 1:]
    moves[real, real] = 1  # the same frame by frame; said again, it needs a blank
    moves[real, blank] = 1
    moves[blank, 1:size] = bigram.follows[1:, 1:]
    moves[blank, blank] = 1
    token = torch.zeros(2 * size - 1, dtype=torch.long)
    token[real] = real
    return Denominator(moves, token, torch.cat((bigram.ends, bigram.ends[1:])))
