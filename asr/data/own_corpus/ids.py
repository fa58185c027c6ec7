"""Utterance ids made of file names: each of them once, in all sets together."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from itertools import chain, combinations, count, product
from pathlib import Path

from lhotse import Recording, SupervisionSegment
from lhotse.utils import fastcopy

from asr.data.channels import only_channel
from asr.data.manifest_filter import is_set_aside
from asr.data.own_corpus.found import FoundSet
from asr.errors import RecipeError


def tell_apart(sets: Mapping[str, FoundSet]) -> None:
    """Put the set's name before ids that another set has too (``test_001``).

    Ids that the user has given, in tables or manifests, stay as they are. Utterances cut
    out of one long recording may be in several sets.

    Raises:
        RecipeError: the same stretch of a file is in two sets.
    """
    counts = Counter(id_ for found in sets.values() for id_ in found.recordings)
    shared = {id_ for id_, times in counts.items() if times > 1}
    cut = {name: _by_recording(found) for name, found in sets.items()}
    for first, second in combinations(sets, 2):
        both = sets[first].recordings.keys() & sets[second].recordings.keys()
        for id_ in sorted(both):
            pairs = product(cut[first][id_], cut[second][id_])
            if not any(_overlap(*pair) for pair in pairs):
                continue
            paths = [_path(sets[name].recordings[id_]) for name in (first, second)]
            if same_bytes(*paths):
                raise RecipeError(
                    f"{first} and {second} have the same recording, {paths[0]} and "
                    f"{paths[1]}; leave it in one of them"
                )
    for name, found in sets.items():
        if found.ids_of_names:
            _rename(found, {id_: _unused(f"{name}_{id_}", counts) for id_ in shared})


def _by_recording(found: FoundSet) -> dict[str, list[SupervisionSegment]]:
    """The utterances of every recording."""
    cut: dict[str, list[SupervisionSegment]] = defaultdict(list)
    for segment in found.supervisions:
        if not is_set_aside(segment):
            cut[segment.recording_id].append(segment)
    return cut


def _overlap(first: SupervisionSegment, second: SupervisionSegment) -> bool:
    """Whether two utterances of a recording have some of its audio in common."""
    one, other = only_channel(first), only_channel(second)
    together = first.start < second.end and second.start < first.end
    return together and (None in (one, other) or one == other)


def _unused(id_: str, taken: Collection[str]) -> str:
    """The id, or with a number where a file of the user's is called so."""
    numbered = (f"{id_}_{number}" for number in count(2))
    return next(name for name in chain([id_], numbered) if name not in taken)


def _rename(found: FoundSet, new: Mapping[str, str]) -> None:
    found.recordings = {
        new.get(id_, id_): fastcopy(recording, id=new.get(id_, id_))
        for id_, recording in found.recordings.items()
    }
    found.supervisions = [
        fastcopy(
            s,
            id=new.get(s.id, s.id),
            recording_id=new.get(s.recording_id, s.recording_id),
            speaker=new.get(s.id, s.id) if s.speaker == s.id else s.speaker,
        )
        for s in found.supervisions
    ]


def _path(recording: Recording) -> Path:
    return Path(recording.sources[0].source)


def same_bytes(first: Path, second: Path) -> bool:
    """Whether two files hold the same."""
    if first.stat().st_size != second.stat().st_size:
        return False
    digests = (hashlib.sha256(p.read_bytes()).digest() for p in (first, second))
    return next(digests) == next(digests)
