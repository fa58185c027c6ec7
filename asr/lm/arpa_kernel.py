"""Reads an ARPA file's bytes into the array of ``ngram_table``, compiled by numba.

Whatever is unusual ends the reading: KenLM then reads the file, or says what is wrong.
"""

import numpy as np
from numpy.typing import NDArray

from asr.jit import compiled, inner
from asr.lm.ngram_table import MIXER, Table, find, slot

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
# Words by hash: an open hash table of (hash, number), both 0 where free.
Words = NDArray[np.int64]  # (2 * size,)
NEWLINE, BACKSLASH, MINUS, PLUS, POINT = 10, 92, 45, 43, 46


@inner
def is_blank(byte: int) -> bool:
    return byte == 32 or byte == 9 or byte == 13


@inner
def skip_blanks(data: Bytes, at: int) -> int:
    """The next byte that is no space; the file ends with a newline."""
    while is_blank(data[at]):
        at += 1
    return at


@inner
def digits(data: Bytes, at: int, value: int) -> tuple[int, int]:
    """A number's digits appended to ``value``, and where they end."""
    while 48 <= data[at] <= 57 and value < 10**17:
        value = 10 * value + data[at] - 48
        at += 1
    return value, at


@inner
def number(data: Bytes, at: int) -> tuple[float, int]:
    """A decimal number and where it ends; -1 if there is none."""
    sign = data[at]
    begin = at + (sign == MINUS or sign == PLUS)
    mantissa, at = digits(data, begin, 0)
    count, exponent = at - begin, 0
    if data[at] == POINT:
        begin = at + 1
        mantissa, at = digits(data, begin, mantissa)
        exponent = begin - at
        count -= exponent
    if data[at] | 32 == 101:  # e
        down = data[at + 1] == MINUS
        begin = at + 1 + (down or data[at + 1] == PLUS)
        power, at = digits(data, begin, 0)
        exponent += -power if down else power
    value = mantissa * 10.0**exponent if exponent > 0 else mantissa / 10.0**-exponent
    whole = is_blank(data[at]) or data[at] == NEWLINE
    return -value if sign == MINUS else value, at if count > 0 and whole else -1


@inner
def hash_word(data: Bytes, at: int) -> tuple[int, int]:
    """A word's hash, not 0, and where it ends."""
    mixed = MIXER
    while not is_blank(data[at]) and data[at] != NEWLINE:
        mixed = (mixed ^ data[at]) * MIXER
        mixed ^= mixed >> 31
        at += 1
    return mixed if mixed != 0 else MIXER, at


@inner
def place_of(words: Words, hashed: int) -> int:
    """Where a word is in the table, or would be."""
    size = len(words) // 2
    at = hashed & (size - 1)
    while words[2 * at] != hashed and words[2 * at] != 0:
        at = (at + 1) & (size - 1)
    return 2 * at


@compiled
def read_words(data: Bytes, at: int, words: Words, table: Table, spans: Ints) -> int:
    """Read the 1-grams from ``at``, numbered from 1; return where they end, or -1.

    ``spans`` gets where each word begins and ends.
    """
    count = 0
    while data[at] != BACKSLASH:
        at = skip_blanks(data, at)
        if data[at] == NEWLINE:
            at += 1
            continue
        log10, at = number(data, at)
        count += 1
        if at < 0 or log10 > 0.0 or 2 * count > len(spans):
            return -1
        begin = skip_blanks(data, at)
        hashed, at = hash_word(data, begin)
        place = place_of(words, hashed)
        if words[place] != 0 or begin == at:
            return -1  # twice
        words[place], words[place + 1] = hashed, count
        spans[2 * count - 2], spans[2 * count - 1] = begin, at
        table[count]["log10"] = log10
        at = skip_blanks(data, at)
        if data[at] != NEWLINE:
            table[count]["backoff"], at = number(data, at)
            if at < 0:
                return -1
            at = skip_blanks(data, at)
        if data[at] != NEWLINE:
            return -1
        at += 1
    return at if 2 * count == len(spans) else -1


@compiled
def read_ngrams(
    data: Bytes, at: int, order: int, count: int, words: Words, table: Table
) -> int:
    """Read the n-grams of one order from ``at``; return where they end, or -1.

    Until ``link_states``, ``lower`` is the row without the first word, and ``after``
    is 1 where longer n-grams begin so.
    """
    while data[at] != BACKSLASH:
        at = skip_blanks(data, at)
        if data[at] == NEWLINE:
            at += 1
            continue
        log10, at = number(data, at)
        count -= 1
        if at < 0 or log10 > 0.0 or count < 0:
            return -1
        history, word = 0, 0
        for _ in range(order):
            history = find(table, history, word) if word > 0 else 0
            hashed, at = hash_word(data, skip_blanks(data, at))
            word = words[place_of(words, hashed) + 1]
            if word == 0 or history < 0:
                return -1
        row = slot(table, history << 32 | word)
        if table[row]["key"] != 0:
            return -1  # twice
        shorter = table[history]["lower"]
        while find(table, shorter, word) < 0:
            shorter = table[shorter]["lower"]
        table[row]["key"] = history << 32 | word
        table[row]["log10"] = log10
        table[row]["lower"] = find(table, shorter, word)
        table[history]["after"] = 1
        at = skip_blanks(data, at)
        if data[at] != NEWLINE:
            table[row]["backoff"], at = number(data, at)
            if at < 0:
                return -1
            at = skip_blanks(data, at)
        if data[at] != NEWLINE:
            return -1
        at += 1
    return at if count == 0 else -1


@compiled
def link_states(table: Table) -> None:
    """Let ``lower`` and ``after`` lead to states only.

    A state is an n-gram that others begin with or whose back-off is not 0.
    """
    for row in range(1, len(table)):
        state = table[row]["after"] == 1 or table[row]["backoff"] != 0.0
        table[row]["after"] = row if state else -1
    for row in range(1, len(table)):
        lower = table[row]["lower"]
        while table[lower]["after"] != lower:
            lower = table[lower]["lower"]
        table[row]["lower"] = lower
    for row in range(1, len(table)):
        if table[row]["after"] < 0:
            table[row]["after"] = table[row]["lower"]
