"""The lexicon: words spelled in tokens, as text and as the transducer L.

Mohri, Pereira and Riley, "Speech recognition with weighted finite-state
transducers", 2008; disambiguation symbols as in Kaldi's ``add_lex_disambig.pl``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from asr.atomic import write_text
from asr.errors import RecipeError
from asr.text.units import Units

EPSILON = "<eps>"
BACKOFF = "#0"  # on G's back-off arcs
MARKS = ("<s>", "</s>")
NOT_WORDS = frozenset((*MARKS, EPSILON, BACKOFF, "<unk>", "<UNK>"))

Spelling = tuple[int, ...]
Lexicon = Mapping[
    str, Sequence[Spelling]
]  # of each word its spellings, the usual first
Arc = tuple[int, int, int, int]  # source, destination, token id, word id
FINAL = -1  # k2's label of arcs into the final state


def read_arpa_words(arpa: Path) -> list[str]:
    """Words of an ARPA file's unigrams in byte order, without marks of any kind."""
    words: list[str] = []
    in_unigrams = False
    with open(arpa, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("\\"):
                if in_unigrams:
                    break
                in_unigrams = line.strip() == "\\1-grams:"
            elif in_unigrams and line.strip():
                words.append(line.split()[1])
    if not in_unigrams:
        raise RecipeError(f"{arpa} has no unigrams: redo the lm stage (4)")
    return sorted((w for w in words if w not in NOT_WORDS), key=str.encode)


def spell_words(words: Iterable[str], units: Units) -> dict[str, tuple[Spelling, ...]]:
    """Token ids of each word, as it is cut in any sentence; phones in several ways.

    Words with a character that the tokenizer never saw cannot be recognised; they
    are left out and their number is printed.
    """
    words = list(words)
    lexicon = units.spell(words)
    left_out = [word for word in words if word not in lexicon]
    if left_out:
        names = ", ".join(left_out[:3])
        print(f"lexicon: {len(left_out)} words cannot be spelled and are left out")
        print(f"  (characters that stage 3 has not seen, as in {names})")
    if not lexicon:
        raise RecipeError("lexicon: no word of the LM can be spelled in tokens")
    return lexicon


def word_table(words: Iterable[str]) -> dict[str, int]:
    """Ids as in Kaldi's words.txt: epsilon, the words, ``#0``, ``<s>``, ``</s>``."""
    return {word: i for i, word in enumerate([EPSILON, *words, BACKOFF, *MARKS])}


def flat(lexicon: Lexicon) -> list[tuple[str, Spelling]]:
    """All words with all their spellings, in order."""
    return [(word, ids) for word, spellings in lexicon.items() for ids in spellings]


def write_lexicon(lexicon: Lexicon, tokens: Sequence[str], lang_dir: Path) -> None:
    """Write ``words.txt`` (``word id``) and ``lexicon.txt`` (``word token ...``)."""
    spelled = (
        f"{word} {' '.join(tokens[i] for i in ids)}\n" for word, ids in flat(lexicon)
    )
    table = (f"{word} {i}\n" for word, i in word_table(lexicon).items())
    write_text(lang_dir / "lexicon.txt", "".join(spelled))
    write_text(lang_dir / "words.txt", "".join(table))


def read_words(path: Path) -> list[str]:
    """Words of ``words.txt``, each at the index of its id."""
    if not path.is_file():
        raise RecipeError(f"{path} is missing: run the graph stage (5) first")
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    if any(len(row) != 2 or row[1] != str(i) for i, row in enumerate(rows)):
        raise RecipeError(f"{path} is damaged: redo the graph stage (5)")
    return [row[0] for row in rows]


def disambiguate(spellings: Sequence[Spelling]) -> list[int]:
    """For each spelling the number k of its disambiguation symbol ``#k``, 0 for none.

    Equal spellings get 1, 2, ...; a spelling that begins another one gets 1. Without
    them L composed with G could not be determinized.
    """
    beginnings = {s[:n] for s in spellings for n in range(1, len(s))}
    total, seen = Counter(spellings), Counter[Spelling]()
    numbers = []
    for spelling in spellings:
        seen[spelling] += 1
        needed = total[spelling] > 1 or spelling in beginnings
        numbers.append(seen[spelling] if needed else 0)
    return numbers


def lexicon_arcs(lexicon: Lexicon, first_disambig: int | None) -> list[Arc]:
    """Arcs of L, sorted by source: a loop at state 0 for every spelling of a word.

    The word is on its first arc. With ``first_disambig`` (the token id of ``#0``)
    the disambiguation symbols are added, and a ``#0`` loop for G's back-off.
    """
    words = word_table(lexicon)
    spelled = flat(lexicon)
    numbers = disambiguate([spelling for _, spelling in spelled])
    arcs: list[Arc] = []
    next_state = 1
    for (word, spelling), number in zip(spelled, numbers, strict=True):
        labels = list(spelling)
        if first_disambig is not None and number:
            labels.append(first_disambig + number)
        states = [0, *range(next_state, next_state + len(labels) - 1), 0]
        arcs.extend(_chain(states, labels, words[word]))
        next_state += len(labels) - 1
    if first_disambig is not None:
        arcs.append((0, 0, first_disambig, words[BACKOFF]))
    arcs.append((0, next_state, FINAL, FINAL))
    return sorted(arcs, key=lambda arc: arc[0])


def _chain(states: Sequence[int], labels: Sequence[int], word: int) -> Iterator[Arc]:
    for i, label in enumerate(labels):
        yield states[i], states[i + 1], label, word if i == 0 else 0
