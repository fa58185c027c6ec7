"""A lexicon of words with their spellings, as the beam search walks it.

For units that do not show where a word begins, phones above all: the tree of the
spellings says where words end, a word may have several of them, and one of them may
belong to several words.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from asr.decode.word_model import WordModel
from asr.decode.word_trie import WordTrie, best_below, build_trie
from asr.errors import RecipeError

Lexicon = Mapping[str, Sequence[tuple[int, ...]]]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class SpelledWords:
    """The words, the tree of their spellings, and how likely they are without history.

    Args:
        lexicon: token ids of the spellings of each word.
        lm: n-gram over words, or None.

    Attributes:
        words: number w is ``words[w - 1]``; number 0 is none.
        spellings: of each word.
        trie: the tree; its symbols are token ids.
        first: (N + 2,) the words that end at node n are
            ``ends[first[n]:first[n + 1]]``.
        ends: numbers of words, in increasing order at each node.
        most: words that end one token further, at most, whatever the node.
        unigram: (W + 1,) ln probability of each word after nothing known; 0 without LM.
        unknown: (W + 1,) whether the LM does not know it.

    Raises RecipeError if there are no words, or one has blanks in it: a hypothesis's text
    would not tell them apart.
    """

    def __init__(self, lexicon: Lexicon, lm: WordModel | None) -> None:
        self.words = tuple(word for word, some in lexicon.items() if some)
        self.spellings = tuple(tuple(lexicon[word]) for word in self.words)
        if not self.words:
            raise RecipeError("beam search: a lexicon without words")
        for word in self.words:
            if word.split() != [word]:
                raise RecipeError(
                    f"beam search: {word!r} in the lexicon is not one word"
                )
        coded = [
            ["".join(chr(i + 1) for i in s) for s in some] for some in self.spellings
        ]
        trie = build_trie({spelling for some in coded for spelling in some})
        self.trie = trie._replace(symbol=trie.symbol - 1)
        self.parents = _parents(trie)
        self._place(coded, trie)
        self.unigram, self.unknown = self._unigrams(lm)

    def _place(self, coded: Sequence[Sequence[str]], trie: WordTrie) -> None:
        """Say which words end at which node."""
        number = [w for w, some in enumerate(coded, start=1) for _ in some]
        table = np.array([spelling for some in coded for spelling in some])
        codes = table.view(np.uint32).reshape(len(table), -1).astype(np.int64)
        width = int(codes.max()) + 1
        keys = self.parents[1:] * width + trie.symbol[1:]
        node = np.zeros(len(table), np.int64)
        for column in codes.T:
            more = np.flatnonzero(column)
            wanted = node[more] * width + column[more]
            node[more] = np.searchsorted(keys, wanted) + 1
        owner = np.array(number, np.int64)
        order = np.lexsort((owner, node))
        self.ends = owner[order]
        self.first = np.searchsorted(node[order], np.arange(len(trie.whole) + 1))
        counts = np.diff(self.first)[1:]
        here = np.bincount(self.parents[1:], counts, minlength=len(trie.whole))
        self.most = int(here.max())

    def _unigrams(self, lm: WordModel | None) -> tuple[Floats, NDArray[np.bool_]]:
        size = len(self.words) + 1
        unigram, unknown = np.zeros(size), np.zeros(size, bool)
        if lm is not None:
            _, state = lm.score(lm.begin(), "<unk>")  # no n-gram goes on after it
            unigram[1:] = [lm.score(state, word)[0] for word in self.words]
            unknown[1:] = [word not in lm for word in self.words]
        return unigram, unknown

    @property
    def lexicon(self) -> Lexicon:
        """The spellings by word."""
        return dict(zip(self.words, self.spellings, strict=True))

    def look_ahead(self, value: Floats) -> Floats:
        """(N + 1,) best value of the words that an unfinished one can still become.

        Args:
            value: (W + 1,) of each word.

        0 at the root, where no word has begun, and where none can follow.
        """
        best = np.full(len(self.parents), -np.inf)
        owner = np.repeat(np.arange(len(best)), np.diff(self.first))
        np.maximum.at(best, owner, value[self.ends])
        best = best_below(self.trie, best)
        ahead = np.full(len(best), -np.inf)  # of longer words only
        np.maximum.at(ahead, self.parents[1:], best[1:])
        ahead[0] = 0.0
        return np.where(ahead > -np.inf, ahead, 0.0)


def _parents(trie: WordTrie) -> Ints:
    """(N + 1,) of each node; the root is its own."""
    children = np.diff(trie.first)
    return np.concatenate([[0], np.repeat(np.arange(len(children)), children)])
