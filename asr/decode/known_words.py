"""The words that an n-gram knows, or a lexicon allows, and what a beginning is worth.

A prefix of the beam search mostly ends within a word. What that word can become at
best, by the n-gram without history, is what it is ranked by until it ends (look-ahead;
Ortmanns and Ney, "Look-ahead techniques for fast beam search", Computer Speech and
Language 2000).
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from asr.decode.word_model import WordModel
from asr.decode.word_trie import best_below, build_trie

Floats = NDArray[np.float64]


class KnownWords:
    """Words as a tree of letters, and how likely they are without history.

    Args:
        words: what the tree is made of.
        lm: n-gram over words, or None.
        closed: there are no other words.
        spared: words that count as if the LM knew them.

    Attributes:
        trie: the tree; word number w is ``trie.words[w - 1]``.
        unigram: (W + 1,) ln probability of each word after nothing known, of number 0
            that of a word which the LM does not know; 0 without LM.
        unknown: (W + 1,) whether ``unk_score`` is added for it.
    """

    def __init__(
        self,
        words: Collection[str],
        lm: WordModel | None,
        *,
        closed: bool = False,
        spared: Collection[str] = (),
    ) -> None:
        self.trie, self.closed, self.lm = build_trie(words), closed, lm
        size = len(self.trie.words) + 1
        self.unigram, self.unknown = np.zeros(size), np.zeros(size, bool)
        if lm is not None:
            listed = ["<unk>", *self.trie.words]
            _, state = lm.score(lm.begin(), "<unk>")  # no n-gram goes on after it
            self.unigram[:] = [lm.score(state, word)[0] for word in listed]
            unknown = (word not in lm and word not in spared for word in listed)
            self.unknown[:] = list(unknown)

    def look_ahead(
        self, lm_weight: float, word_score: float, unk_score: float
    ) -> tuple[Floats, float]:
        """What unfinished words are worth: (N + 1,) at each node, and outside the tree.

        At a node that is the best of the words that begin so, and, unless the tree is
        ``closed``, of an unknown one. 0 at the root, where no word has begun, and
        everywhere without an LM.
        """
        if self.lm is None:
            return np.zeros(len(self.trie.whole)), 0.0
        value = lm_weight * self.unigram + unk_score * self.unknown + word_score
        whole = self.trie.whole
        ahead = best_below(self.trie, np.where(whole > 0, value[whole], -np.inf))
        other = float(value[0])
        if not self.closed:
            ahead = np.maximum(ahead, other)
        ahead[0] = 0.0
        return ahead, other
