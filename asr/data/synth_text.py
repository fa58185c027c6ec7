"""What the embedded corpus says: a small grammar, drawn from with a seed.

No word sounds like another one of the grammar (no "for" beside "four", no "oh" beside
the letter O), because a recogniser could tell them apart by their neighbours only.
"""

import random
import re
from collections.abc import Sequence, Set

SLOTS: dict[str, tuple[str, ...]] = {
    "digit": tuple("zero one two three four five six seven eight nine".split()),
    "unit": tuple("one two three four five six seven eight nine".split()),
    "tens": tuple("twenty thirty forty fifty sixty seventy eighty ninety".split()),
    "letter": tuple("abcdefghijklmnopqrstuvwxyz"),
    "ordinal": tuple(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh "
        "twelfth twentieth thirtieth".split()
    ),
    "small": tuple(
        "first second third fourth fifth sixth seventh eighth ninth".split()
    ),
    "month": tuple(
        "january february march april may june july august september october "
        "november december".split()
    ),
    "weekday": tuple(
        "monday tuesday wednesday thursday friday saturday sunday".split()
    ),
    "switch": ("turn on", "turn off"),
    "room": ("kitchen", "bedroom", "garden", "office", "bathroom"),
    "device": ("light", "heater", "radio", "lamp", "fan"),
    "move": ("open", "close"),
    "opening": ("window", "door", "gate", "curtain"),
    "name": tuple("anna peter maria robert susan daniel laura victor".split()),
    "when": ("now", "again", "today", "tomorrow", "tonight"),
    "which": ("next", "last", "same"),
    "media": ("song", "message", "story"),
    "direction": ("left", "forward", "back", "upstairs"),
    "adjective": tuple("old young little big green happy quiet yellow".split()),
    "person": tuple("man woman teacher farmer child doctor dog horse".split()),
    "verb": tuple("found carried painted watched bought dropped".split()),
    "object": tuple("box table bottle picture basket hammer blanket clock".split()),
    "place": (
        "near the river",
        "behind the house",
        "under the bridge",
        "in the morning",
        "after dinner",
        "before the storm",
    ),
}

# (kind, its share in percent, its templates)
KINDS: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("digits", 30, tuple(" ".join(["{digit}"] * n) for n in (3, 4, 5, 6, 7))),
    ("letters", 4, tuple(" ".join(["{letter}"] * n) for n in (2, 3, 4))),
    (
        "dates",
        20,
        (
            "{month} {ordinal}",
            "the {ordinal} of {month}",
            "the twenty {small} of {month}",
            "{weekday} {month} {ordinal}",
            "{weekday} the {ordinal} of {month}",
            "{weekday} the twenty {small} of {month}",
            "{month} nineteen {tens} {unit}",
            "{month} two thousand {unit}",
        ),
    ),
    (
        "commands",
        23,
        (
            "{switch} the {room} {device}",
            "{switch} the {device} {when}",
            "{move} the {room} {opening}",
            "{move} the {opening} {when}",
            "call {name} {when}",
            "call {name} and {name} {when}",
            "play the {which} {media} {when}",
            "set the alarm at {unit} {tens}",
            "go {direction} {when}",
            "ask {name} about the {adjective} {object}",
        ),
    ),
    (
        "sentences",
        23,
        (
            "the {person} {verb} the {object}",
            "the {adjective} {person} {verb} the {object}",
            "the {person} {verb} the {adjective} {object}",
            "the {person} {verb} the {object} {place}",
            "{name} {verb} the {adjective} {object} {place}",
            "the {person} {verb} the {object} and the {object}",
        ),
    ),
)


class Speaker:
    """Draws sentences so that kinds, templates and words all get their turn.

    Values are dealt like cards: each once, in a random order, then all again. With
    independent draws some words would hardly occur in a small corpus.
    """

    def __init__(self, seed: str) -> None:
        self._rng = random.Random(seed)
        self._decks: dict[str, list[str]] = {}

    def sentence(self) -> str:
        """Draw one sentence, in lower case."""
        kind = self._deal("kind", [name for name, n, _ in KINDS for _ in range(n)])
        templates = next(values for name, _, values in KINDS if name == kind)
        template = self._deal(f"template {kind}", templates)
        return re.sub(
            r"{(\w+)}", lambda slot: self._deal(slot[1], SLOTS[slot[1]]), template
        )

    def _deal(self, name: str, values: Sequence[str]) -> str:
        deck = self._decks.setdefault(name, [])
        if not deck:
            deck.extend(_shuffled(self._rng, values))
        return deck.pop()


def sentences(count: int, seed: str, avoid: Set[str] = frozenset()) -> list[str]:
    """Draw ``count`` sentences, none of which is in ``avoid``."""
    speaker = Speaker(seed)
    drawn: list[str] = []
    while len(drawn) < count:
        text = speaker.sentence()
        if text not in avoid:
            drawn.append(text)
    return drawn


def spoken(text: str) -> str:
    """Return what espeak-ng is given for ``text``.

    "a" alone would be read as the article: the letter is written in phonemes.
    """
    return " ".join("[[eI]]" if word == "a" else word for word in text.split())


def vocabulary() -> set[str]:
    """All words that the grammar can say."""
    words: set[str] = set()
    for _, _, templates in KINDS:
        for template in templates:
            words.update(re.sub(r"{\w+}", " ", template).split())
    for values in SLOTS.values():
        words.update(word for value in values for word in value.split())
    return words


def _shuffled(rng: random.Random, values: Sequence[str]) -> list[str]:
    # random() alone is promised to give the same numbers in every Python version.
    return sorted(values, key=lambda value: rng.random())
