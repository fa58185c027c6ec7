"""Reads an ARPA file's bytes into the array of ``ngram_table``, compiled by numba.

Whatever is unusual ends the reading: KenLM then reads the file, or says what is wrong.
"""

import numpy as np
from numpy.typing import NDArray

from asr.jit import compiled, inner
from asr.lm.ngram_table import MIXER, Table, find, slot

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
# (2 * size,): words by hash, an open hash table of (hash, number), both 0 where free.
Words = NDArray[np.int64]
POWERS = 10.0 ** np.arange(61)
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
def number(data: Bytes, at: int) -> tuple[float, int]:
    """A decimal number and where it ends; -1 if there is none."""
    negative = data[at] == MINUS
    at += negative or data[at] == PLUS
    mantissa, exponent, count, fraction = 0, 0, 0, 0
    while 48 <= data[at] <= 57 or (data[at] == POINT and fraction == 0):
        if data[at] == POINT:
            fraction = 1
        else:
            count += 1
            if mantissa < 10**17:
                mantissa = 10 * mantissa + data[at] - 48
                exponent -= fraction
            else:
                exponent += 1 - fraction
        at += 1
    if data[at] | 32 == 101:  # e
        down, power = data[at + 1] == MINUS, 0
        at += 1 + (down or data[at + 1] == PLUS)
        count *= 48 <= data[at] <= 57
        while 48 <= data[at] <= 57 and power < 1000:
            power = 10 * power + data[at] - 48
            at += 1
        exponent += -power if down else power
    value = float(mantissa)
    if exponent < 0:
        value /= POWERS[min(-exponent, 60)]
    elif exponent > 0:
        value *= POWERS[min(exponent, 60)]
    ended = is_blank(data[at]) or data[at] == NEWLINE
    return -value if negative else value, at if count > 0 and ended else -1


@inner
def hash_word(data: Bytes, at: int) -> tuple[int, int]:
    """A word's hash, not 0, and where it ends."""
    mixed = int(MIXER)
    while not is_blank(data[at]) and data[at] != NEWLINE:
        mixed = (mixed ^ data[at]) * MIXER
        mixed ^= mixed >> 31
        at += 1
    return mixed if mixed != 0 else 1, at


@inner
def place_of(words: Words, hashed: int) -> int:
    """Where a word is in the table, or would be."""
    size = len(words) // 2
    at = hashed & (size - 1)
    while words[2 * at] != hashed and words[2 * at] != 0:
        at = (at + 1) & (size - 1)
    return 2 * at


@inner
def add_word(words: Words, hashed: int, count: int) -> int:
    """Row of a new word; -1 if it is not new."""
    place = place_of(words, hashed)
    if words[place] != 0:
        return -1
    words[place], words[place + 1] = hashed, count
    return count


@inner
def add_ngram(table: Table, history: int, word: int) -> int:
    """Row of a new n-gram; -1 if it is not new.

    Until ``arpa.link_states``, ``lower`` is the row without the first word, and ``after``
    is 1 where longer n-grams begin so.
    """
    row = slot(table, history << 32 | word)
    if table[row]["key"] != 0:
        return -1
    shorter = table[history]["lower"]
    at = find(table, shorter, word)
    while at < 0:
        shorter = table[shorter]["lower"]
        at = find(table, shorter, word)
    ngram = table[row]
    ngram["key"], ngram["lower"] = history << 32 | word, at
    table[history]["after"] = 1
    return row


@compiled
def read_section(
    data: Bytes,
    at: int,
    order: int,
    count: int,
    words: Words,
    table: Table,
    spans: Ints,
) -> int:
    """Read ``count`` n-grams of one order from ``at``; return where they end, or -1.

    The words, order 1, are numbered from 1; ``spans`` gets where each begins and ends.
    """
    done = 0
    while data[at] != BACKSLASH:
        at = skip_blanks(data, at)
        if data[at] == NEWLINE:
            at += 1
            continue
        log10, at = number(data, at)
        done += 1
        if at < 0 or log10 > 0.0 or done > count:
            return -1
        history, word, begin, hashed = 0, 0, 0, 0
        for _ in range(order):
            if word > 0:
                history = find(table, history, word)
            begin = skip_blanks(data, at)
            hashed, at = hash_word(data, begin)
            word = words[place_of(words, hashed) + 1]
            if at == begin or history < 0 or (word == 0 and order > 1):
                return -1
        if order == 1:
            row = add_word(words, hashed, done)
            spans[2 * done - 2], spans[2 * done - 1] = begin, at
        else:
            row = add_ngram(table, history, word)
        at = skip_blanks(data, at)
        backoff = 0.0
        if data[at] != NEWLINE:
            backoff, at = number(data, at)
            at = skip_blanks(data, at) if at >= 0 else at
        if at < 0 or row < 0 or data[at] != NEWLINE:
            return -1
        table[row]["log10"], table[row]["backoff"] = log10, backoff
        at += 1
    return at if done == count else -1
