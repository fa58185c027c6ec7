"""Words that a beam search listens for, each with a weight of its own.

As in pyctcdecode a word that has begun like a hot word already gets a share of the weight,
so that the beam keeps it until it is whole or something else.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from asr.decode.word_model import WordModel
from asr.decode.word_trie import WordTrie

Weights = Mapping[str, float]  # ln, by word


def weights_of(words: Iterable[str] | Weights, weight: float) -> dict[str, float]:
    """The weight of each word.

    Args:
        words: with weights of their own, or without; a string is one phrase. Phrases
            count as their words, and of several weights of a word the largest does.
        weight: of those without.
    """
    listed = [words] if isinstance(words, str) else words
    own = words if isinstance(words, Mapping) else dict.fromkeys(listed, weight)
    found: dict[str, float] = {}
    for phrase, value in own.items():
        for word in phrase.split():
            found[word] = max(value, found.get(word, value))
    return found


def known_to(lm: WordModel | None, weights: Weights, unk_score: float) -> Weights:
    """The weights with what an LM adds for unknown words taken back: these are expected."""
    if lm is None:
        return weights
    return {w: x if w in lm else x - unk_score for w, x in weights.items()}


def beginnings(weights: Weights) -> dict[str, float]:
    """What an unfinished word gets, for every beginning of every hot word.

    That is the share of its weight that a hot word has in so many letters; of the hot
    words that begin so the one counts that gives most.
    """
    found: dict[str, float] = {}
    for word, weight in weights.items():
        for end in range(1, len(word) + 1):
            share = weight * end / len(word)
            found[word[:end]] = max(share, found.get(word[:end], share))
    return found


def at_nodes(trie: WordTrie, values: Mapping[str, float]) -> NDArray[np.float64]:
    """(N + 1,) values of the beginnings that the nodes of a tree stand for; else 0."""
    texts = [""] * len(trie.whole)
    for node in range(len(texts)):
        for child in range(trie.first[node], trie.first[node + 1]):
            texts[child] = texts[node] + chr(trie.symbol[child])
    return np.array([values.get(text, 0.0) for text in texts])
