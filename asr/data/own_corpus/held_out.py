"""Dev and test sets that are not there, taken out of train by whole speakers."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lhotse import SupervisionSegment

from asr.data.own_corpus.found import FoundSet
from asr.errors import RecipeError

ROOM = 1.5  # times the wanted part, that several speakers may take together
ROOM_OF_ONE = 3.0  # that a single one may take, where there are few


@dataclass(frozen=True)
class HeldOut:
    """How much is taken.

    Attributes:
        part: of the seconds of train.
        max_hours: and no more than these.
        max_seconds: longer utterances stay in train, where they are told as too long.
    """

    part: float
    max_hours: float
    max_seconds: float


def hold_out(train: FoundSet, name: str, wanted: HeldOut) -> FoundSet:
    """Take a set out of ``train``, which loses it; the same one every time.

    Speakers are taken in the order of a hash of their names, so that most stay where
    they are when some are added. Where no speaker is small enough, utterances are taken.

    Raises:
        RecipeError: train is too small.
    """
    usable = [s for s in train.usable if s.duration <= wanted.max_seconds]
    total = sum(s.duration for s in usable)
    seconds = min(total * wanted.part, wanted.max_hours * 3600)
    speakers: dict[str, float] = {}
    for segment in usable:
        speakers[segment.speaker] = (
            speakers.get(segment.speaker, 0.0) + segment.duration
        )
    chosen = _choose(speakers, seconds) or _smallest(speakers, seconds)
    if chosen:
        ids = {s.id for s in usable if s.speaker in chosen}
    else:
        ids = _choose({s.id: s.duration for s in usable}, seconds) or _one(usable, name)
    taken = FoundSet(train.form, ids_of_names=train.ids_of_names)
    taken.supervisions = [s for s in train.supervisions if s.id in ids]
    train.supervisions = [s for s in train.supervisions if s.id not in ids]
    _divide(train, taken)
    length = sum(s.duration for s in taken.supervisions)
    of = f"{len(chosen)} of {len(speakers)} speakers" if chosen else "no whole speakers"
    taken.notes.append(
        f"no such folder, so {len(ids)} utterances ({length / total:.0%} of train's "
        f"{total / 3600:.2f} h, {of}) are taken out of train"
    )
    return taken


def _choose(sizes: Mapping[str, float], seconds: float) -> set[str]:
    """About so many seconds, in the order of hashes.

    Empty if that is not half of what is wanted, or all that there is.
    """
    chosen: set[str] = set()
    length = 0.0
    for name in sorted(sizes, key=_hash):
        if length < seconds and length + sizes[name] <= ROOM * seconds:
            chosen.add(name)
            length += sizes[name]
    return chosen if length >= seconds / 2 and len(chosen) < len(sizes) else set()


def _smallest(sizes: Mapping[str, float], seconds: float) -> set[str]:
    if len(sizes) < 2:
        return set()
    name = min(sizes, key=lambda n: (sizes[n], _hash(n)))
    return {name} if sizes[name] <= ROOM_OF_ONE * seconds else set()


def _one(usable: Sequence[SupervisionSegment], name: str) -> set[str]:
    """A single utterance of a train that has hardly more.

    Raises:
        RecipeError: then nothing would be left.
    """
    if len(usable) < 2:
        raise RecipeError(
            f"{name}: there is no such folder, and train has {len(usable)} usable "
            f"utterances, too few to take some out; see --download-dir"
        )
    return {min((s.id for s in usable), key=_hash)}


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _divide(train: FoundSet, taken: FoundSet) -> None:
    """Give both sets the recordings of their utterances."""
    theirs = {s.recording_id for s in taken.supervisions}
    ours = {s.recording_id for s in train.supervisions}
    taken.recordings = {i: train.recordings[i] for i in theirs}
    train.recordings = {
        i: r for i, r in train.recordings.items() if i in ours or i not in theirs
    }
