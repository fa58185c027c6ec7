"""A part of the training set: so many hours, drawn by the utterances' names."""

import hashlib
from collections.abc import Sequence

from lhotse import SupervisionSegment


def take_hours(
    segments: Sequence[SupervisionSegment], hours: float
) -> tuple[list[SupervisionSegment], list[SupervisionSegment]]:
    """Divide into about ``hours`` hours of speech, and the rest; both keep their order.

    The order in which utterances are taken is that of a hash of their ids. So it looks
    random, which spreads every part over the speakers, and nothing but the ids decides
    it: fewer hours are always a subset of more.

    Args:
        hours: utterances are taken until there are so many, so that the part is longer
            by less than its last utterance; 0: all are.
    """
    if hours == 0:
        return list(segments), []
    taken: set[str] = set()
    seconds = 0.0
    for segment in sorted(segments, key=lambda s: draw(s.id)):
        if seconds >= 3600 * hours:
            break
        taken.add(segment.id)
        seconds += segment.duration
    kept = [segment for segment in segments if segment.id in taken]
    return kept, [segment for segment in segments if segment.id not in taken]


def draw(id_: str) -> bytes:
    """The utterance's place in the order, the same on every machine."""
    return hashlib.sha256(id_.encode("utf-8", "surrogateescape")).digest()
