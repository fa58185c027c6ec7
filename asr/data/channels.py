"""Utterances on one channel of a recording of several, as in telephone speech.

Where nothing is said, the recipe takes the mean of all channels.
"""

from lhotse import SupervisionSegment
from lhotse.cut import MonoCut
from lhotse.utils import fastcopy

MARK = "one_channel"


def on_channel(segment: SupervisionSegment, channel: int) -> SupervisionSegment:
    """The same utterance, said on this channel (from 0) alone."""
    custom = {**(segment.custom or {}), MARK: True}
    return fastcopy(segment, channel=channel, custom=custom)


def channel_of(cut: MonoCut) -> int | None:
    """The only channel to read, or None: all of them."""
    marked = any(only_channel(s) is not None for s in cut.supervisions)
    return int(cut.channel) if marked else None


def only_channel(segment: SupervisionSegment) -> int | None:
    """The channel that the utterance is on alone, or None: all of them."""
    return int(segment.channel) if (segment.custom or {}).get(MARK) else None
