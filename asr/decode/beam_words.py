"""Compiled parts of the beam search: words in the tries, and what the LM says."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.decode.beam_arrays import A_WORD, UNKNOWN, WORD_LM, Records
from asr.jit import inner
from asr.lm.arpa import MIXER, look_up

IntArray = NDArray[np.int64]
Answer = tuple[int, float, float]  # next state (-1: ask first), ln probability, bonus
LN10 = math.log(10.0)
# As arguments: numba would compile a function once more for each literal number.
NO_TOKEN: Any = np.int64(A_WORD)
NOT_KNOWN: Any = np.int64(UNKNOWN)


@inner
def join(before: int, more: int) -> int:
    """Hash of a sequence with one more, not 0."""
    mixed = (before ^ (more + 1) * MIXER) * MIXER
    mixed ^= mixed >> 29
    return mixed if mixed != 0 else 1


@inner
def walk(trie: Records, tokens: Records, symbols: IntArray, at: int, token: int) -> int:
    """Node of a trie one token further, or -1."""
    piece = tokens[token]
    for k in range(piece["first"], piece["end"]):
        if at < 0:
            return -1
        low, end = trie[at]["first"], trie[at]["end"]
        high = end
        while low < high:
            middle = (low + high) // 2
            if trie[middle]["symbol"] < symbols[k]:
                low = middle + 1
            else:
                high = middle
        at = low if low < end and trie[low]["symbol"] == symbols[k] else -1
    return at


@inner
def ask(
    run: Any,
    cache: Records,
    asked: Records,
    node: int,
    state: int,
    token: int,
    word: int,
) -> int:
    """Row of the LM's answer in the cache, or -1; then the question is noted.

    ``word`` tells questions at the same state apart.
    """
    key = (word ^ (state + 1) * MIXER) * MIXER
    key ^= key >> 32
    if key == 0:
        key = 1
    mask = len(cache) - 1
    row = key & mask
    while cache[row]["key"] != key:
        if cache[row]["key"] == 0:
            answer, question = cache[row], asked[run["asked"]]
            answer["key"], answer["state"] = key, -1
            question["row"], question["node"], question["token"] = row, node, token
            question["state"], question["word"] = state, word
            run["asked"] += 1
            run["cached"] += 1
            return -1
        row = (row + 1) & mask
    return row if cache[row]["state"] >= 0 else -1


@inner
def consult(
    run: Any,
    ngrams: Records,
    cache: Records,
    asked: Records,
    node: int,
    state: int,
    token: int,
    word: int,
    number: int,
) -> Answer:
    """What the LM says to a word (token, sentence end), asked at once or noted.

    ``number`` is the word's in ``ngrams``, if that is where the LM is.
    """
    if run["table"] == 1:
        log10, state = look_up(ngrams, state, number)
        ln_prob = LN10 * log10
        bonus = run["lm_weight"] * ln_prob
        if number == run["unknown_number"]:
            bonus += run["unk_score"]
        return state, ln_prob, bonus
    row = ask(run, cache, asked, node, state, token, word)
    if row < 0:
        return -1, 0.0, 0.0
    answer = cache[row]
    return answer["state"], answer["ln_prob"], answer["bonus"]


@inner
def finish_word(
    run: Any,
    nodes: Records,
    trie: Records,
    ngrams: Records,
    cache: Records,
    asked: Records,
    n: int,
) -> bool:
    """Find what finishing the last word (not empty) of a prefix adds.

    False where it is no word of the lexicon, or where the LM has to be asked first.
    """
    node = nodes[n]
    if node["end_state"] >= 0:
        return True
    number = trie[node["lexicon"]]["whole"] if node["lexicon"] >= 0 else 0
    if run["closed"] == 1 and number == 0:
        return False
    state, ln_prob, bonus = node["state"], 0.0, 0.0
    if run["lm"] == WORD_LM:
        word, token = node["word"], NO_TOKEN
        if run["lexicon"] >= 0 and number == 0:
            word, token = NOT_KNOWN, NOT_KNOWN  # all score the same
            number = run["unknown_number"]
        state, ln_prob, bonus = consult(
            run, ngrams, cache, asked, n, state, token, word, number
        )
        if state < 0:
            return False
    bonus += run["word_score"]
    if node["hot"] >= 0:
        bonus += trie[node["hot"]]["weight"]
    node["end_lm"], node["end_bonus"] = ln_prob, bonus
    node["end_state"] = state
    return True
