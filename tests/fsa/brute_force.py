"""Sentences scored in G by following every arc."""

import numpy as np

from asr.fsa.grammar import START, Grammar


def grammar_score(grammar: Grammar, words: list[int]) -> float:
    """Best score of a sentence: every arc of a word, and backing off at any time."""
    reached = {START: 0.0}
    for word in [*words, None]:
        for state in sorted(reached, reverse=True):  # longer histories first
            score = reached[state]
            while grammar.backoff[state] >= 0:
                score += grammar.backoff_score[state]
                state = int(grammar.backoff[state])
                reached[state] = max(score, reached.get(state, -np.inf))
        if word is None:
            return float(max(s + grammar.final[q] for q, s in reached.items()))
        then: dict[int, float] = {}
        for arc in np.flatnonzero(grammar.word == word):
            if grammar.src[arc] in reached:
                score = reached[grammar.src[arc]] + grammar.score[arc]
                dst = int(grammar.dst[arc])
                then[dst] = max(score, then.get(dst, -np.inf))
        reached = then
    raise AssertionError
