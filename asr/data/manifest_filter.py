"""Which utterances cannot be used, and why: the reasons in ``dropped.tsv``."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from lhotse import Recording, SupervisionSegment
from lhotse.utils import compute_num_frames

from asr.data.audio import check_audio

FRAME_SHIFT = 0.01  # seconds; the features of stage 2

NO_AUDIO = "no audio"
UNREADABLE = "unreadable audio"
NO_TRANSCRIPT = "no transcript"
NO_TEXT = "no text"
TOO_SHORT = "too short"
TOO_LONG = "too long"
IMPOSSIBLE = "impossible for CTC"
BEYOND_HOURS = "beyond train_hours"
DUPLICATE = "duplicate id"
BAD_SEGMENT = "bad segment"


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
        frames_needed: text -> the least number of output frames CTC needs for it in
            any units.
        max_hours: of all of them together; 0: no limit.
    """

    min_seconds: float
    max_seconds: float
    output_frames: Callable[[int], int]
    frames_needed: Callable[[str], int]
    max_hours: float = 0.0


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


def set_aside(id_: str, reason: str, detail: str) -> SupervisionSegment:
    """An utterance that a corpus's hook itself has found not to be usable, and why.

    Given back among the supervisions, it becomes a line of ``dropped.tsv``.
    """
    why = {"reason": reason, "detail": " ".join(detail.split())}
    return SupervisionSegment(id_, id_, start=0.0, duration=0.0, custom=why)


def is_set_aside(segment: SupervisionSegment) -> bool:
    """Whether :func:`set_aside` made it."""
    return "reason" in (segment.custom or {})


def without_transcript(
    name: str, by_id: Mapping[str, Recording], segments: Iterable[SupervisionSegment]
) -> list[Dropped]:
    """List the recordings of the split ``name`` that no segment transcribes."""
    transcribed = {segment.recording_id for segment in segments}
    return [
        Dropped(name, id_, NO_TRANSCRIPT, _source(recording))
        for id_, recording in sorted(by_id.items())
        if id_ not in transcribed
    ]


def why_dropped(
    segment: SupervisionSegment,
    recording: Recording | None,
    limits: TrainLimits | None,
) -> tuple[str, str] | None:
    """Return (reason, detail) for an utterance that cannot be used, else None."""
    if is_set_aside(segment):
        return segment.custom["reason"], segment.custom["detail"]
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
    frames = _frames(seconds, limits)
    needed = limits.frames_needed(text)
    if frames < needed:
        return IMPOSSIBLE, f"{frames} output frames, at least {needed} are needed"
    return None


def is_crowded(segment: SupervisionSegment, limits: TrainLimits) -> bool:
    """Whether there are too few frames for the text in characters.

    Of other units it may need fewer: stage 6 counts what the chosen ones need.
    """
    frames = _frames(segment.duration, limits)
    return frames < characters_needed(segment.text or "")


def _frames(seconds: float, limits: TrainLimits) -> int:
    return limits.output_frames(compute_num_frames(seconds, FRAME_SHIFT, 16000))


def _source(recording: Recording) -> str:
    return str(recording.sources[0].source)
