"""What one set of the user's holds, whatever its form."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lhotse import Recording, SupervisionSegment
from lhotse.utils import fastcopy

from asr.data.audio_store import Described
from asr.data.channels import on_channel
from asr.data.manifest_filter import (
    BAD_SEGMENT,
    DUPLICATE,
    NO_AUDIO,
    UNREADABLE,
    is_set_aside,
    set_aside,
)
from asr.data.sound_file import AudioError

# Seconds that a segment may reach beyond its recording and is then cut there, as
# Kaldi's extract-segments does; times in tables are rounded.
OVERSHOOT = 0.5


@dataclass
class FoundSet:
    """One set.

    Attributes:
        form: which of the forms it has, for the user.
        recordings: those that can be read, by id.
        channels: of recordings of several, by id: the one (from 0) that alone is meant.
        louder: by id: the one to take where an utterance names none, as all cancel out.
        cancelled: of these the ones of which it was taken.
        supervisions: of utterances, those that cannot be used set aside with a reason.
        notes: a line each about what the user should know.
        ids_of_names: whether ids are made of file names, and may be made longer.
    """

    form: str
    recordings: dict[str, Recording] = field(default_factory=dict)
    channels: dict[str, int] = field(default_factory=dict)
    louder: dict[str, int] = field(default_factory=dict)
    cancelled: dict[str, int] = field(default_factory=dict)
    supervisions: list[SupervisionSegment] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ids_of_names: bool = False

    def describe(self, id_: str, described: Described) -> None:
        """Take a recording and what is known of its channels."""
        self.recordings[id_] = described.recording
        if described.channel is not None:
            self.channels[id_] = described.channel
        if described.louder is not None:
            self.louder[id_] = described.louder

    def heard(
        self, segment: SupervisionSegment, channel: int | None
    ) -> SupervisionSegment:
        """The utterance on the channel that it is heard on, if not on all.

        Args:
            channel: what a table says, from 0.
        """
        id_ = segment.recording_id
        # Of a command that gives one channel, a segment's number says no more.
        only = self.channels.get(id_, channel)
        if only is None and id_ in self.louder:
            only = self.cancelled[id_] = self.louder[id_]
        return segment if only is None else on_channel(segment, only)

    def drop(self, id_: str, reason: str, detail: str) -> None:
        """Leave an utterance out, to be told in ``dropped.tsv``."""
        self.supervisions.append(set_aside(id_, reason, detail))

    def add(self, segments: Iterable[SupervisionSegment], where: Path) -> None:
        """Take utterances; the second of an id is dropped, and what is cut fits."""
        taken = {s.id for s in self.supervisions if not is_set_aside(s)}
        for segment in segments:
            if segment.id in taken:
                self.drop(segment.id, DUPLICATE, f"{where}: only the first is taken")
                continue
            taken.add(segment.id)
            recording = self.recordings.get(segment.recording_id)
            self.supervisions.append(fit(segment, recording))

    @property
    def usable(self) -> list[SupervisionSegment]:
        """Utterances with audio and words."""
        return [
            s
            for s in self.supervisions
            if s.recording_id in self.recordings
            and not is_set_aside(s)
            and (s.text or "").strip()
        ]


def why_unheard(error: AudioError) -> tuple[str, str]:
    """Reason and detail where a recording is not there, or cannot be read."""
    said = str(error)
    return (NO_AUDIO if "no such file" in said else UNREADABLE), said


def fit(segment: SupervisionSegment, recording: Recording | None) -> SupervisionSegment:
    """Cut a segment at its recording's end, or set it aside where it lies outside."""
    if recording is None:
        return segment
    if segment.channel not in recording.channel_ids:
        channels = len(recording.channel_ids)
        detail = f"channel {segment.channel} (from 0) of a recording of {channels}"
        return set_aside(segment.id, BAD_SEGMENT, detail)
    end, whole = segment.start + segment.duration, recording.duration
    if not 0 <= segment.start < min(end, whole) or end > whole + OVERSHOOT:
        return set_aside(
            segment.id,
            BAD_SEGMENT,
            f"from {segment.start:g} to {end:g} s of {segment.recording_id}, which has "
            f"{whole:.2f} s",
        )
    return fastcopy(segment, duration=min(end, whole) - segment.start)
