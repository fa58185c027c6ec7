"""The arrays of the compiled beam search: one record per prefix, token, and so on."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.decode.hot_words import at_nodes, beginnings
from asr.decode.spelled_beam import word_values
from asr.decode.vocabulary import Vocabulary
from asr.decode.word_lm import Fusion
from asr.decode.word_trie import build_trie

Records = NDArray[np.void]

# Kinds of tokens, kinds of LM.
INSIDE, STARTS, NEVER = 0, 1, 2
NO_LM, WORD_LM, TOKEN_LM = 0, 1, 2


def _record(integers: str, floats: str = "") -> np.dtype[np.void]:
    """One width only: numba would compile a function once more for each other."""
    fields = [(name, "i8") for name in integers.split()]
    return np.dtype(fields + [(name, "f8") for name in floats.split()])


# How far the search is, and the options that it needs; one record.
RUN = _record(
    "frame beam nodes asked cached needed beam_size blank lm closed lexicon hotwords "
    "any_whole table unknown_number end_number spelled most_words histories "
    "recombines",
    "beam_threshold lm_weight word_score unk_score unknown most most_lm",
)
# A token: its piece is symbols[first:end]; `tried`: the last frame it was good for;
# `number`: in a token LM's table.
TOKEN = _record("kind first end tried number")
# A prefix: its place in the tree and in the beam (-1: not in it), its places in the
# tries, the LM's state after the finished words and after the last word too (-1: not
# known yet); scores of the finished words, and what finishing the last word adds;
# `word` tells the unfinished words apart by their letters, 0 is none; `text` the finished.
# With spellings, `word` is 1 inside a word, `text` the number of the word that ends here
# or 0, and `hot` is -1.
NODE = _record(
    "parent token child sibling slot text word lexicon hot state end_state",
    "lm bonus end_lm end_bonus",
)
# A prefix in the beam, now and after the frame in work; `bonus`, `lm` and `text`, which
# tells transcripts apart, at the end.
PLACE = _record("node text", "p_b p_nb p next_b next_nb next_p bonus lm")
# A candidate for the next beam: a prefix that stays (token -1) or one that grows; with
# spellings, the number of the word that ends with it, or 0, and a hash of its future;
# `head` and `next`: see `chain`.
FOUND = _record("place token word future head next", "p score scratch")
# What the LM said; key 0: nothing stored, state -1: not answered yet.
ANSWER = _record("key state", "ln_prob bonus")
# A question to the LM: row of the answer in the cache; prefix, token (or one of the
# kinds below), LM state, word; and Python's answer to it.
ASKED = _record("row node token state word after", "ln_prob bonus")
A_WORD, THE_END, UNKNOWN = -1, -2, -3  # questions that are not about a token
# Node of a trie: its children are first to end - 1, `symbol` led here; see WordTrie.
# `whole`: the word's number in a word LM's table (1 without one), 0 inside words.
# `ahead` is what an unfinished word is worth here, `hot` what it gets for hot words, and
# `weight` what a hot word that ends here gets. Words with spellings end here by the
# numbers ending[begin_ending:end_ending]; `whole` is 0 then.
TRIE = _record("first end symbol whole begin_ending end_ending", "ahead hot weight")
# A word with spellings: its number in the LM's table, and what it adds besides the LM.
WORD = _record("number", "extra")


def zeros(length: int, record: np.dtype[np.void]) -> Records:
    """An array of records, all zero."""
    return np.zeros(length, record)


def enlarged(array: Records, needed: int) -> Records:
    """A copy with twice as many records as are needed."""
    larger = np.zeros(2 * needed, array.dtype)
    larger[: len(array)] = array
    return larger


def token_records(
    vocabulary: Vocabulary, spelled: bool
) -> tuple[Records, NDArray[np.int64]]:
    """The tokens, and the code points of their pieces one after the other.

    ``spelled``: a token's one symbol is its id.
    """
    records = zeros(len(vocabulary), TOKEN)
    if spelled:
        ids = np.arange(len(vocabulary))
        records["first"], records["end"] = ids, ids + 1
        records["kind"] = np.where(vocabulary.spoken, INSIDE, NEVER)
        return records, ids
    lengths = [len(piece) for piece in vocabulary.pieces]
    records["end"] = np.cumsum(lengths)
    records["first"] = records["end"] - lengths
    kinds = np.where(vocabulary.starts_word, STARTS, INSIDE)
    records["kind"] = np.where(vocabulary.spoken, kinds, NEVER)
    symbols = [ord(character) for piece in vocabulary.pieces for character in piece]
    return records, np.array(symbols, np.int64)


def trie_records(
    fusion: Fusion,
    ahead: NDArray[np.float64],
    number: Callable[[str], int] | None,
) -> tuple[Records, int, int]:
    """Tries of both kinds of words in one array, and their roots (-1: no trie).

    ``number`` gives the LM's of the known words, ``ahead`` is of their nodes.
    """
    parts, roots, base = [zeros(0, TRIE)], [], 0
    hot = fusion.hotwords
    known = None if fusion.known is None else fusion.known.trie
    for trie in (known, build_trie(hot) if hot else None):
        roots.append(-1 if trie is None else base)
        if trie is None:
            continue
        part = zeros(len(trie.whole), TRIE)
        part["first"], part["end"] = trie.first[:-1] + base, trie.first[1:] + base
        numbers = [1] * len(trie.words) if number is None else map(number, trie.words)
        part["symbol"], part["whole"] = trie.symbol, np.array([0, *numbers])[trie.whole]
        if len(roots) == 1:
            part["ahead"] = ahead
        else:
            part["hot"] = at_nodes(trie, beginnings(hot))
            part["weight"] = at_nodes(trie, fusion.hot_bonus)
        parts.append(part)
        base += len(part)
    return np.concatenate(parts), roots[0], roots[1]


def spelled_records(fusion: Fusion) -> tuple[Records, NDArray[np.int64]]:
    """The tree of all spellings, and the words that end at its nodes."""
    spelled = fusion.spelled
    assert spelled is not None
    trie = zeros(len(spelled.parents), TRIE)
    trie["first"], trie["end"] = spelled.trie.first[:-1], spelled.trie.first[1:]
    trie["symbol"] = spelled.trie.symbol
    trie["begin_ending"], trie["end_ending"] = spelled.first[:-1], spelled.first[1:]
    trie["ahead"] = spelled.look_ahead(np.array(word_values(fusion)))
    return trie, spelled.ends


def word_records(fusion: Fusion, number: Callable[[str], int] | None) -> Records:
    """The words with spellings; number 0 is none."""
    assert fusion.spelled is not None
    words = fusion.spelled.words
    records = zeros(len(words) + 1, WORD)
    records["extra"][1:] = fusion.word_bonus(words)
    if number is not None:
        records["number"][1:] = [number(word) for word in words]
    return records


def one_record(record: np.dtype[np.void], values: Iterable[tuple[str, Any]]) -> Records:
    """One record with the given fields, the others zero."""
    made = zeros(1, record)
    for name, value in values:
        made[name] = value
    return made
