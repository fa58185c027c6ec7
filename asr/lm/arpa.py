"""Read ARPA files into one array, from which compiled searches look up n-grams.

Rows of the array are n-grams: row 0 the empty one, then the words by their numbers,
then, in a hash table, all longer ones. A row is also the state after its n-gram (Katz,
"Estimation of probabilities from sparse data", 1987, for backing off; states are made
as short as the model allows, as Heafield's KenLM does, WMT 2011). Scores are those of
the file, log10 in single precision, so that they are KenLM's.

The reader is compiled by numba. Anything unusual in a file ends the reading: KenLM then
reads the file, or says what is wrong.
"""

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from asr.jit import compiled, inner
from asr.packages import missing

if TYPE_CHECKING:
    from asr.lm.ngram import NgramLm

LN10 = math.log(10.0)
UNKNOWN = ("<unk>", "<UNK>")
UNKNOWN_LOG10 = -100.0  # KenLM's, where the file has none
MAX_ROWS = 2**31 - 1
COUNT = re.compile(rb"ngram\s+(\d+)\s*=\s*(\d+)\s*")
POWERS = 10.0 ** np.arange(61)
NEWLINE, BACKSLASH, MINUS, PLUS, POINT = 10, 92, 45, 43, 46
MIXER: Any = np.int64(-7046029254386353131)  # 2**64 over the golden ratio, odd

Table = NDArray[np.void]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
# (2 * size,): words by hash, an open hash table of (hash, number), both 0 where free.
Words = NDArray[np.int64]

# key: history's row, last word. lower: the state with the first word left out, as far
# as that changes what may follow; after: the state after this n-gram. Of row 0, key is
# where the hash table begins.
NGRAM = np.dtype(
    [
        ("key", "i8"),
        ("log10", "f4"),
        ("backoff", "f4"),
        ("lower", "i4"),
        ("after", "i4"),
    ]
)


class ArpaLm:
    """A back-off n-gram; states are rows of its table, scores natural logs.

    Attributes:
        table: see above.
        numbers: of the words; ``<unk>`` and the like among them.
        unknown: number of all other words.
    """

    def __init__(self, table: Table, words: list[str]) -> None:
        self.table = table
        self.numbers = {word: number for number, word in enumerate(words, 1)}
        listed = (self.numbers[word] for word in UNKNOWN if word in self.numbers)
        self.unknown = next(listed, len(words) + 1)

    def number(self, word: str) -> int:
        """Return the number of any word, known or not."""
        return self.numbers.get(word, self.unknown)

    def __contains__(self, word: str) -> bool:
        return self.number(word) != self.unknown

    def words(self) -> frozenset[str]:
        """List the known words."""
        return frozenset(self.numbers) - {*UNKNOWN, "<s>", "</s>"}

    def begin(self) -> int:
        """Return the state after ``<s>``."""
        return int(self.table[self.numbers["<s>"]]["after"])

    def score(self, state: int, word: str) -> tuple[float, int]:
        """Return ``ln p(word | state)`` and the state after it."""
        log10, after = look_up_from_python(self.table, state, self.number(word))
        return LN10 * log10, after

    def end(self, state: int) -> float:
        """Return ``ln p(</s> | state)``."""
        return self.score(state, "</s>")[0]


def load_lm(path: Path) -> "ArpaLm | NgramLm":
    """Load an n-gram in the form that searches are fastest with.

    An ARPA file becomes arrays where numba works; KenLM loads all else. Where KenLM
    does not work, the ARPA file beside its binary form is taken.

    Raises:
        RecipeError: the file is missing or not an n-gram model.
    """
    if missing("kenlm"):
        path = next(filter(Path.is_file, (path.with_suffix(".arpa"), path)), path)
    if missing("numba") is None and path.is_file():
        lm = read_arpa(path)
        if lm is not None:
            return lm
    from asr.lm.ngram import NgramLm

    return NgramLm(path)


def read_arpa(path: Path) -> ArpaLm | None:
    """Read a file; None if it is no ARPA file, or not one as ``lmplz`` writes it."""
    with open(path, "rb") as file:
        declared, mark, _ = file.read(1 << 12).partition(b"\\1-grams:")
    found = [(int(n), int(count)) for n, count in COUNT.findall(declared)]
    counts = [count for _, count in found]
    if declared.split()[:1] != [b"\\data\\"] or not mark or not any(counts[:1]):
        return None
    if [n for n, _ in found] != list(range(1, len(found) + 1)):
        return None
    data = np.memmap(path, np.uint8, "c").view(np.ndarray)
    # The kernel does not look for the end: a line that begins so stops it.
    tail = data[-64:].tobytes()
    if tail.rstrip(b" \t\r\n\f\v")[-6:] != b"\n\\end\\" or tail[-1:] != b"\n":
        return None
    first = counts[0] + 2  # the empty n-gram, the words, and <unk>
    table = np.zeros(first + 4 * sum(counts[1:]) // 3 + 1, NGRAM)
    if len(table) > MAX_ROWS:
        return None
    table[0]["key"], table[first - 1]["log10"] = first, UNKNOWN_LOG10
    by_hash = np.zeros(4 << counts[0].bit_length(), np.int64)
    spans, at = np.zeros(2 * counts[0], np.int64), len(declared)
    for order, count in enumerate(counts, start=1):
        header = b"\\%d-grams:" % order
        if at < 0 or data[at : at + len(header)].tobytes() != header:
            return None
        at += len(header)
        at = read_section(data, at, order, count, by_hash, table, spans)
    if at < 0 or data[at : at + 5].tobytes() != b"\\end\\":
        return None
    _link_states(table)
    spelled = [data[b:e].tobytes() for b, e in spans.reshape(-1, 2).tolist()]
    lm = ArpaLm(table, [word.decode("utf-8", "replace") for word in spelled])
    return lm if {"<s>", "</s>"} <= lm.numbers.keys() else None


def _link_states(table: Table) -> None:
    """Let ``lower`` and ``after`` lead to states only.

    A state is an n-gram that others begin with or whose back-off is not 0.
    """
    state = (table["after"] == 1) | (table["backoff"] != 0)
    state[0] = True
    shorter = table["lower"].copy()
    lower = shorter.copy()
    while len(passed := np.flatnonzero(~state[lower])):
        lower[passed] = shorter[lower[passed]]
    table["lower"] = lower
    table["after"] = np.where(state, np.arange(len(table)), lower)


@inner
def slot(table: Table, key: int) -> int:
    """Find the row of an n-gram of several words, or the free one where it would be."""
    first = table[0]["key"]
    mixed = (key ^ (key >> 29)) * MIXER
    at = first + (((mixed >> 32) & 0xFFFFFFFF) * (len(table) - first) >> 32)
    while table[at]["key"] != key and table[at]["key"] != 0:
        at = at + 1 if at + 1 < len(table) else first
    return int(at)


@inner
def find(table: Table, history: int, word: int) -> int:
    """Find the row of a history with one more word, or -1."""
    if history == 0:
        return word
    at = slot(table, history << 32 | word)
    return at if table[at]["key"] != 0 else -1


@inner
def look_up(table: Table, state: int, word: int) -> tuple[float, int]:
    """Return log10 p(word | state), and the state after it."""
    total, at = 0.0, find(table, state, word)
    while at < 0:
        total += table[state]["backoff"]
        state = table[state]["lower"]
        at = find(table, state, word)
    return total + table[at]["log10"], table[at]["after"]


@compiled
def look_up_from_python(table: Table, state: int, word: int) -> tuple[float, int]:
    """Call ``look_up`` from Python, which cannot call what is compiled into others."""
    return look_up(table, state, word)


@inner
def is_blank(byte: int) -> bool:
    return byte == 32 or byte == 9 or byte == 13


@inner
def skip_blanks(data: Bytes, at: int) -> int:
    """Find the next byte that is no space; the file ends with a newline."""
    while is_blank(data[at]):
        at += 1
    return at


@inner
def number(data: Bytes, at: int) -> tuple[float, int]:
    """Read a decimal number; return it and where it ends, -1 if there is none."""
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
    """Hash a word, never to 0; return also where it ends."""
    mixed = int(MIXER)
    while not is_blank(data[at]) and data[at] != NEWLINE:
        mixed = (mixed ^ data[at]) * MIXER
        mixed ^= mixed >> 31
        at += 1
    return mixed if mixed != 0 else 1, at


@inner
def place_of(words: Words, hashed: int) -> int:
    """Find where a word is in the table, or would be."""
    size = len(words) // 2
    at = hashed & (size - 1)
    while words[2 * at] != hashed and words[2 * at] != 0:
        at = (at + 1) & (size - 1)
    return 2 * at


@inner
def add_ngram(table: Table, history: int, word: int) -> int:
    """Add a new n-gram; return its row, or -1 if it is there already.

    Until ``_link_states``, ``lower`` is the row without the first word, and ``after``
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
        history, word, begin, place = 0, 0, 0, 0
        for _ in range(order):
            if word > 0:
                history = find(table, history, word)
            begin = skip_blanks(data, at)
            hashed, at = hash_word(data, begin)
            place = place_of(words, hashed)
            word = words[place + 1]
            if at == begin or history < 0 or (word == 0 and order > 1):
                return -1
        if order > 1:
            row = add_ngram(table, history, word)
        elif word == 0:
            row = words[place + 1] = done
            words[place] = hashed
            spans[2 * done - 2], spans[2 * done - 1] = begin, at
        else:
            row = -1  # not new
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
