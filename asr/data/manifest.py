"""Manifests of one split: normalise, drop what cannot be used, validate, write.

What is dropped is never silent: every utterance left out becomes one line of
``dropped.tsv`` with its reason. Only training utterances are dropped for their
length; dev and test lose an utterance only where there is nothing to recognise
(no audio, unreadable audio) or nothing to compare with (no text).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lhotse import (
    CutSet,
    MonoCut,
    Recording,
    RecordingSet,
    SupervisionSegment,
    SupervisionSet,
    validate,
)
from lhotse.utils import fastcopy

from asr.data.jsonl import write_items
from asr.data.manifest_filter import (
    BEYOND_HOURS,
    Dropped,
    TrainLimits,
    is_set_aside,
    why_dropped,
    without_transcript,
)
from asr.data.train_hours import take_hours
from asr.data.user_names import plain_id
from asr.errors import RecipeError
from asr.text.normalize import Rule, without_reserved


@dataclass(frozen=True)
class Split:
    """The finished manifests of one split, and what did not make it.

    Attributes:
        reserved: words that were taken out of transcripts, by utterance.
    """

    name: str
    recordings: RecordingSet
    supervisions: SupervisionSet
    cuts: CutSet
    dropped: tuple[Dropped, ...]
    reserved: Mapping[str, Sequence[str]] = field(default_factory=dict)


def prepare_split(
    name: str,
    recordings: RecordingSet,
    supervisions: SupervisionSet,
    rule: Rule,
    limits: TrainLimits | None = None,
) -> Split:
    """Normalise and check one split; ``limits`` for train, None for dev and test.

    There is one cut for every supervision, called by its id; all are sorted by id.

    Raises:
        RecipeError: two utterances share an id, nothing is left, or the manifests
            contradict themselves.
    """
    by_id = {recording.id: recording for recording in recordings}
    segments = sorted(supervisions, key=lambda segment: segment.id)
    _check_ids(name, segments)
    kept: list[SupervisionSegment] = []
    dropped = without_transcript(name, by_id, segments)
    reserved: dict[str, list[str]] = {}
    for segment in segments:
        text, marks = without_reserved(segment.text or "")
        text, more = without_reserved(rule(text))
        if marks or more:
            reserved[segment.id] = marks + more
        segment = fastcopy(segment, text=text)
        reason = why_dropped(segment, by_id.get(segment.recording_id), limits)
        if reason is None:
            kept.append(segment)
        else:
            dropped.append(Dropped(name, segment.id, *reason))
    if not kept:
        raise RecipeError(_nothing_left(name, dropped))
    if limits is not None:
        kept, beyond = take_hours(kept, limits.max_hours)
        dropped += [
            Dropped(name, s.id, BEYOND_HOURS, f"{s.duration:.2f} s") for s in beyond
        ]
    return replace(_validated(name, by_id, kept, dropped), reserved=reserved)


def write_split(split: Split, paths: dict[str, Path]) -> None:
    """Write ``paths["recordings"|"supervisions"|"cuts"]`` as .jsonl.gz."""
    write_items(split.recordings, paths["recordings"])
    write_items(split.supervisions, paths["supervisions"])
    write_items(split.cuts, paths["cuts"])


def some_names(names: Iterable[str]) -> str:
    """The first three names, for a message."""
    ordered = sorted(names)
    return ", ".join(ordered[:3]) + (", ..." if len(ordered) > 3 else "")


def _check_ids(name: str, segments: Sequence[SupervisionSegment]) -> None:
    """Raise where tables or HDF5 files could not tell utterances apart."""
    ids = Counter(s.id for s in segments if not is_set_aside(s))
    _refuse(name, "more than once", [i for i, n in ids.items() if n > 1])
    _refuse(name, "with blanks, or empty", [i for i in ids if plain_id(i) != i])
    parts = {id_: id_.split("/") for id_ in ids if "/" in id_}
    odd = [i for i, names in parts.items() if {"", ".", ".."} & set(names)]
    _refuse(name, "that are no relative paths, and have a /", odd)
    folders = {
        "/".join(names[:n]) for names in parts.values() for n in range(len(names))
    }
    _refuse(name, "that begin another one before its /", list(folders & ids.keys()))


def _refuse(name: str, what: str, ids: Sequence[str]) -> None:
    if ids:
        raise RecipeError(
            f"manifests: {name} has {len(ids)} ids {what} ({some_names(ids)}); "
            "an utterance id must be unique, see the corpus's prepare.py"
        )


def _validated(
    name: str,
    by_id: dict[str, Recording],
    kept: Sequence[SupervisionSegment],
    dropped: Sequence[Dropped],
) -> Split:
    used = sorted({segment.recording_id for segment in kept})
    split = Split(
        name,
        RecordingSet.from_recordings(by_id[id_] for id_ in used),
        SupervisionSet.from_segments(kept),
        CutSet.from_cuts(_cut(by_id[s.recording_id], s) for s in kept),
        tuple(sorted(dropped, key=lambda d: d.id)),
    )
    try:
        for manifest in (split.recordings, split.supervisions, split.cuts):
            validate(manifest)
    except AssertionError as error:
        raise RecipeError(f"manifests: {name} is not valid: {error}") from error
    return split


def _cut(recording: Recording, segment: SupervisionSegment) -> MonoCut:
    start, duration = segment.start, segment.duration
    return MonoCut(
        id=segment.id,
        start=start,
        duration=duration,
        channel=segment.channel,
        supervisions=[fastcopy(segment, start=0.0)],
        recording=recording,
    )


def _nothing_left(name: str, dropped: Sequence[Dropped]) -> str:
    counts = Counter(d.reason for d in dropped)
    reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(counts.items()))
    first = f", for example {dropped[0].id}: {dropped[0].detail}" if dropped else ""
    return (
        f"manifests: no utterance of {name} can be used ({reasons or 'none found'}"
        f"{first}); check --download-dir and corpus.options"
    )
