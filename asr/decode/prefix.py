"""Prefixes of CTC's beam search, as a tree, and their probabilities."""

import math

from asr.decode.word_lm import LmPlace

NEG_INF = -math.inf


def log_add(a: float, b: float) -> float:
    """``ln(exp(a) + exp(b))``, exact for -inf too."""
    if a < b:
        a, b = b, a
    return a if b == NEG_INF else a + math.log1p(math.exp(b - a))


class Prefix:
    """A token sequence as a node of a tree: its last token, and the rest above it.

    Attributes:
        token: the last token; None for the empty prefix.
        word: the unfinished last word, spelled so far, without ``▁``.
        lm: place in the LM, scores of what is finished.
        partial: what the unfinished word gets, for beginning like a hot word, say.
        p_b, p_nb: after the last frame; next_b, next_nb: after the frame in work.
    """

    __slots__ = (
        "children",
        "lm",
        "next_b",
        "next_nb",
        "p_b",
        "p_nb",
        "parent",
        "partial",
        "token",
        "word",
    )

    def __init__(
        self,
        parent: "Prefix | None",
        token: int | None,
        word: str,
        lm: LmPlace,
        partial: float,
    ):
        self.parent = parent
        self.token = token
        self.word = word
        self.lm = lm
        self.partial = partial
        self.children: dict[int, Prefix] = {}
        self.p_b = self.p_nb = self.next_b = self.next_nb = NEG_INF

    @property
    def p(self) -> float:
        """ln of the summed probability of all alignments."""
        return log_add(self.p_b, self.p_nb)

    @property
    def score(self) -> float:
        """What the beam keeps it by: acoustics, LM, words, hot words."""
        return self.p + (self.lm.bonus + self.partial)

    def ids(self) -> tuple[int, ...]:
        """The token sequence, from the first to the last."""
        reversed_ids: list[int] = []
        node = self
        while node.parent is not None and node.token is not None:
            reversed_ids.append(node.token)
            node = node.parent
        return tuple(reversed(reversed_ids))
