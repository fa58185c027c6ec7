"""Pronunciations of words that no dictionary has, by a joint n-gram.

Bisani and Ney, "Joint-sequence models for grapheme-to-phoneme conversion", Speech
Communication 2008: a word and its pronunciation are one sequence of graphones, pairs
of a letter and its phones, under an n-gram (as in Novak et al., "Phonetisaurus", 2016).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.progress import LineTimer
from asr.text.g2p_align import Entry, align, split_code
from asr.text.g2p_ngram import UnitNgram, train_unit_ngram

Ints = NDArray[np.int64]
Phones = tuple[str, ...]

ORDER = 6
BEAM = 12  # sequences of graphones kept of a word, after each letter
CHUNK = 4096  # words worked on together
FIRST_UNIT = 2  # units 0 and 1 begin and end a word


@dataclass(frozen=True)
class G2p:
    """A trained model.

    Attributes:
        letters: those that it knows.
        phones: those of all graphones.
        graphones: letter and phones of each unit from ``FIRST_UNIT`` on.
        ngram: over units.
    """

    letters: str
    phones: Phones
    graphones: tuple[tuple[str, Phones], ...]
    ngram: UnitNgram

    def pronounce(self, words: Iterable[str]) -> dict[str, Phones]:
        """The likeliest pronunciation of each word.

        Words that have none are left out: those with a letter never seen, or said as
        nothing.
        """
        known, timer = set(self.letters), LineTimer()
        usable = {word for word in words if word and known.issuperset(word)}
        found: dict[str, Phones] = {}
        done = 0
        for chunk in _chunks(usable):
            for word, units in zip(chunk, self._search(chunk), strict=True):
                said = (self.graphones[u - FIRST_UNIT][1] for u in units)
                found[word] = tuple(phone for part in said for phone in part)
            done += len(chunk)
            if timer.due():
                print(
                    f"pronounced {done} of {len(usable)} words that the dictionary lacks",
                    flush=True,
                )
        return {word: phones for word, phones in found.items() if phones}

    def _search(self, words: Sequence[str]) -> Ints:
        """(N, L) likeliest units of N words of L letters, by beam search."""
        letters = np.array([[self.letters.index(c) for c in word] for word in words])
        first, options = self._options()
        owner = np.arange(len(words))
        states, scores = np.full(len(words), self.ngram.begin), np.zeros(len(words))
        back: list[tuple[Ints, Ints]] = []
        for letter in letters.T:
            here = letter[owner]
            count = first[here + 1] - first[here]
            row = np.repeat(np.arange(len(owner)), count)
            place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
            units = options[first[here[row]] + place]
            score, after = self.ngram.follow(states[row], units)
            score += scores[row]
            kept = _best_of_each(owner[row], score, BEAM)
            back.append((row[kept], units[kept]))
            owner, states, scores = owner[row[kept]], after[kept], score[kept]
        ends, _ = self.ngram.follow(states, np.ones(len(states), np.int64))
        at = _best_of_each(owner, scores + ends, 1)
        found = np.zeros((len(words), len(back)), np.int64)
        for i in reversed(range(len(back))):
            rows, units = back[i]
            found[:, i] = units[at]
            at = rows[at]
        return found

    def _options(self) -> tuple[Ints, Ints]:
        """Of each letter the units that it is part of: ``options[first[l]:first[l+1]]``."""
        letters = np.array([self.letters.index(letter) for letter, _ in self.graphones])
        first = np.searchsorted(letters, np.arange(len(self.letters) + 1))
        return first, np.arange(len(letters)) + FIRST_UNIT


def train_g2p(dictionary: Mapping[str, Collection[Phones]], order: int = ORDER) -> G2p:
    """Learn from all pronunciations of all words."""
    letters = "".join(sorted({letter for word in dictionary for letter in word}))
    phones = tuple(sorted({p for said in dictionary.values() for s in said for p in s}))
    number = {phone: n for n, phone in enumerate(phones, start=1)}
    place = {letter: n for n, letter in enumerate(letters)}
    entries = [
        Entry(tuple(place[c] for c in word), tuple(number[p] for p in said))
        for word, pronunciations in dictionary.items()
        for said in pronunciations
    ]
    aligned = [a for a in align(entries, len(letters), len(phones)) if a is not None]
    codes = sorted({code for sequence in aligned for code in sequence})
    unit = {code: n for n, code in enumerate(codes, start=FIRST_UNIT)}
    sequences = [[unit[code] for code in sequence] for sequence in aligned]
    graphones = tuple(_graphone(code, letters, phones) for code in codes)
    ngram = train_unit_ngram(sequences, len(codes) + FIRST_UNIT, order)
    return G2p(letters, phones, graphones, ngram)


def _graphone(code: int, letters: str, phones: Phones) -> tuple[str, Phones]:
    letter, said = split_code(code, len(phones))
    return letters[letter], tuple(phones[p - 1] for p in said)


def _chunks(words: Iterable[str]) -> Iterator[list[str]]:
    """Words of the same length together, in order, ``CHUNK`` at most."""
    by_length: dict[int, list[str]] = {}
    for word in sorted(words):
        by_length.setdefault(len(word), []).append(word)
    for _, some in sorted(by_length.items()):
        for begin in range(0, len(some), CHUNK):
            yield some[begin : begin + CHUNK]


def _best_of_each(owner: Ints, scores: NDArray[np.float64], number: int) -> Ints:
    """Rows of the best ``number`` scores of each owner, by owner."""
    order = np.lexsort((-scores, owner))
    sorted_owner = owner[order]
    begins = np.searchsorted(sorted_owner, sorted_owner)
    chosen: Ints = order[np.arange(len(order)) - begins < number]
    return chosen
