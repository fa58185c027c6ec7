"""Manifests of one split: normalise, drop what cannot be used, validate, write.

What is dropped is never silent: every utterance left out becomes one line of
``dropped.tsv`` with its reason. Only training utterances are dropped for their
length; dev and test lose an utterance only where there is nothing to recognise
(no audio, unreadable audio) or nothing to compare with (no text).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
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
from lhotse.utils import compute_num_frames, fastcopy

from asr.data.audio import check_audio
from asr.data.jsonl import write_items
from asr.errors import RecipeError
from asr.text.normalize import Rule

FRAME_SHIFT = 0.01  # seconds; the features of stage 2

NO_AUDIO = "no audio"
UNREADABLE = "unreadable audio"
NO_TRANSCRIPT = "no transcript"
NO_TEXT = "no text"
TOO_SHORT = "too short"
TOO_LONG = "too long"
IMPOSSIBLE = "impossible for CTC"


@dataclass(frozen=True)
class Dropped:
    """One utterance left out, and why."""

    split: str
    id: str
    reason: str
    detail: str


@dataclass(frozen=True)
class TrainLimits:
    """What a training utterance must satisfy.

    Attributes:
        min_seconds, max_seconds: duration, both included.
        output_frames: number of feature frames -> number of frames of the model.
        frames_needed: text -> the least number of output frames CTC needs for it.
    """

    min_seconds: float
    max_seconds: float
    output_frames: Callable[[int], int]
    frames_needed: Callable[[str], int]


@dataclass(frozen=True)
class Split:
    """The finished manifests of one split, and what did not make it."""

    name: str
    recordings: RecordingSet
    supervisions: SupervisionSet
    cuts: CutSet
    dropped: tuple[Dropped, ...]


def characters_needed(text: str) -> int:
    """Output frames that CTC needs for ``text`` spelt in characters.

    One for each character and each word boundary (the tokenizer puts one before
    the first word too), and a blank between two equal neighbours (Graves 2006).
    """
    spelt = "|" + "|".join(text.split())
    return len(spelt) + sum(a == b for a, b in pairwise(spelt))


def words_needed(text: str) -> int:
    """Lower bound for subword units: at least one token a word."""
    return len(text.split())


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
    _check_unique(name, segments)
    kept: list[SupervisionSegment] = []
    dropped = _without_transcript(name, by_id, segments)
    for segment in segments:
        segment = fastcopy(segment, text=rule(segment.text or ""))
        reason = _why_dropped(segment, by_id.get(segment.recording_id), limits)
        if reason is None:
            kept.append(segment)
        else:
            dropped.append(Dropped(name, segment.id, *reason))
    if not kept:
        raise RecipeError(_nothing_left(name, dropped))
    return _validated(name, by_id, kept, dropped)


def write_split(split: Split, paths: dict[str, Path]) -> None:
    """Write ``paths["recordings"|"supervisions"|"cuts"]`` as .jsonl.gz."""
    write_items(split.recordings, paths["recordings"])
    write_items(split.supervisions, paths["supervisions"])
    write_items(split.cuts, paths["cuts"])


def some_names(names: Iterable[str]) -> str:
    """The first three names, for a message."""
    ordered = sorted(names)
    return ", ".join(ordered[:3]) + (", ..." if len(ordered) > 3 else "")


def _check_unique(name: str, segments: Sequence[SupervisionSegment]) -> None:
    twice = [i for i, n in Counter(s.id for s in segments).items() if n > 1]
    if twice:
        raise RecipeError(
            f"manifests: {name} has {len(twice)} ids more than once ({some_names(twice)}); "
            "an utterance id must be unique, see the corpus's prepare.py"
        )


def _without_transcript(
    name: str, by_id: dict[str, Recording], segments: Sequence[SupervisionSegment]
) -> list[Dropped]:
    transcribed = {segment.recording_id for segment in segments}
    return [
        Dropped(name, id_, NO_TRANSCRIPT, _source(recording))
        for id_, recording in sorted(by_id.items())
        if id_ not in transcribed
    ]


def _why_dropped(
    segment: SupervisionSegment,
    recording: Recording | None,
    limits: TrainLimits | None,
) -> tuple[str, str] | None:
    """Return (reason, detail) for an utterance that cannot be used, else None."""
    if recording is None:
        return _missing_audio(segment)
    if recording.num_samples == 0 or segment.duration <= 0:
        return UNREADABLE, f"{_source(recording)}: has no samples"
    if not segment.text:
        return NO_TEXT, "nothing is left of the transcript after normalisation"
    return None if limits is None else _beyond(segment, limits)


def _missing_audio(segment: SupervisionSegment) -> tuple[str, str]:
    path = (segment.custom or {}).get("audio")
    if path is None:
        return NO_AUDIO, f"no recording {segment.recording_id}"
    if not Path(path).exists():
        return NO_AUDIO, f"{path}: no such file"
    return UNREADABLE, f"{path}: {check_audio(Path(path))}"


def _beyond(segment: SupervisionSegment, limits: TrainLimits) -> tuple[str, str] | None:
    seconds, text = segment.duration, segment.text or ""
    if seconds < limits.min_seconds:
        return TOO_SHORT, f"{seconds:.2f} s, at least {limits.min_seconds} s"
    if seconds > limits.max_seconds:
        return TOO_LONG, f"{seconds:.2f} s, at most {limits.max_seconds} s"
    frames = limits.output_frames(compute_num_frames(seconds, FRAME_SHIFT, 16000))
    needed = limits.frames_needed(text)
    if frames < needed:
        return IMPOSSIBLE, f"{frames} output frames, at least {needed} are needed"
    return None


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


def _source(recording: Recording) -> str:
    return str(recording.sources[0].source)
