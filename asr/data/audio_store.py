"""The user's audio where it lies, or as FLAC where libsndfile cannot read it there."""

import hashlib
import io
import os
import re
import unicodedata
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import soundfile
from lhotse import Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.audio import AudioSource
from lhotse.utils import fastcopy

from asr.atomic import atomic_path
from asr.data.audio import check
from asr.data.audio_blocks import cancelled, louder_channel, sound_blocks
from asr.data.channels import on_channel, only_channel
from asr.data.manifest_filter import BAD_SEGMENT, UNREADABLE, set_aside
from asr.data.sound_file import AudioError, Sound, look_at, named
from asr.data.user_names import shown
from asr.progress import LineTimer

BLOCK = 10  # seconds that are decoded at once
APART = 0.025  # seconds that lhotse lets the channels of a recording differ in length
AT_THE_END = 0.005  # seconds that an utterance ends before its recording
LONGEST = 60  # bytes of an id in a file's name


@dataclass(frozen=True)
class Described:
    """A recording, with its true length, and which of its channels is heard.

    Attributes:
        channel: the only one (from 0) that is there for the recipe; None: all.
        louder: the one to take where none is named, as all together leave silence.
    """

    recording: Recording
    channel: int | None = None
    louder: int | None = None


class AudioStore:
    """Finds and describes the audio of one set.

    Args:
        name: of the set, for progress.
        folder: where converted files go; None: what would have to be is refused.
        bases: folders that relative paths are tried in, one after the other.
    """

    def __init__(
        self, name: str, folder: Path | None, bases: Sequence[Path] = ()
    ) -> None:
        self.bases = bases
        self._folder = folder
        self._name = name
        self._timer = LineTimer()
        self._count = 0
        self._notes: dict[str, list[str]] = {}

    def locate(self, path: str) -> Path:
        """A file by its name in a table; below the first base where it is nowhere.

        Accents may be stored in another way there than on the disk, and folders be
        divided as under Windows.
        """
        written = (path, path.replace("\\", "/"))
        composed = [
            unicodedata.normalize(f, p) for p in written for f in ("NFC", "NFD")
        ]
        forms = dict.fromkeys([path, *composed])
        places = [base / form for form in forms for base in self.bases]
        # os.path's: a name that no file can have, or may be asked of, is nowhere.
        return next((p for p in places if os.path.exists(p)), places[0])

    def describe(self, id_: str, path: Path) -> Described:
        """Describe a recording from its file.

        Raises:
            AudioError: it is not there or cannot be read; the message names it.
        """
        sound = self._usable(id_, path)
        return Described(_recording(id_, [sound]), louder=louder_channel(sound))

    def describe_all(self, recording: Recording, paths: Sequence[Path]) -> Recording:
        """A recording whose channels lie in several files, with its true length.

        Raises:
            AudioError: one is not there or cannot be read, or they do not go together.
        """
        sounds = [self._usable(recording.id, path) for path in paths]
        found = _recording(recording.id, sounds)
        channels = [source.channels for source in recording.sources]
        sources = [
            fastcopy(source, channels=numbers)
            for source, numbers in zip(found.sources, channels, strict=True)
        ]
        return fastcopy(found, sources=sources, channel_ids=recording.channel_ids)

    @property
    def notes(self) -> list[str]:
        """A line on each thing that was taken for granted."""
        lines = []
        for note, names in self._notes.items():
            others = f" and {len(names) - 1} others" if len(names) > 1 else ""
            lines.append(f"{names[0]}{others}: {note}")
        return lines

    def converted(self, id_: str, key: str, made_of: Sequence[Path]) -> Path:
        """Name of a FLAC for ``id_``; ``key`` tells of what and how it is made.

        Raises:
            AudioError: there is no folder for it.
        """
        if self._folder is None:
            raise AudioError(
                f"{', '.join(map(shown, made_of))}: has to be converted first; give "
                "describe() a folder for that, work_dir"
            )
        facts = [key, *(f"{p} {_time(p)}" for p in made_of)]
        digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]
        plain = re.sub(r"[^\w.-]", "_", id_).encode()[:LONGEST].decode(errors="ignore")
        return self._folder / f"{plain}-{digest}.flac"

    def note(self, note: str, name: str) -> None:
        """Keep what was taken for granted of a file, for :attr:`notes`."""
        self._notes.setdefault(note, []).append(name)

    def _usable(self, id_: str, path: Path) -> Sound:
        """Look at a file; where libsndfile cannot read all of it there, at its FLAC."""
        self._tell()
        try:
            str(path).encode()
        except UnicodeEncodeError as error:
            name = shown(path)
            raise AudioError(f"{name}: its name is not UTF-8; rename it") from error
        sound = look_at(path)
        if sound.note is not None:
            self.note(sound.note, shown(path))
        if sound.in_place:
            check(sound)
            return sound
        flac = self.converted(id_, f"{sound.rate} Hz", [path])
        if not flac.exists():
            write_flac(sound, flac)
        return look_at(flac)

    def _tell(self) -> None:
        self._count += 1
        if self._timer.due():
            print(f"{self._name}: {self._count} recordings looked at", flush=True)


def put_right(
    name: str,
    recordings: RecordingSet,
    supervisions: SupervisionSet,
    folder: Path,
) -> tuple[RecordingSet, SupervisionSet]:
    """Describe files anew whose length a corpus's hook has from their header.

    FLAC's can be trusted, and what comes of :class:`AudioStore` is right already.

    Args:
        name: of the set, for progress.
        folder: where converted files go.
    """
    store, new = AudioStore(name, folder), dict[str, Described | AudioError]()
    for recording in recordings:
        path = _doubtful(recording)
        if path is None:
            continue
        try:
            described = store.describe(recording.id, path)
        except AudioError as error:
            new[recording.id] = error
            continue
        if described.recording != recording or described.louder is not None:
            new[recording.id] = described
    if new:
        old = {r.id: r.duration for r in recordings if r.id in new}
        segments = [
            _fitted(s, old[s.recording_id], new[s.recording_id], store)
            if s.recording_id in new
            else s
            for s in supervisions
        ]
        supervisions = SupervisionSet.from_segments(segments)
        kept = (_right(recording, new.get(recording.id)) for recording in recordings)
        recordings = RecordingSet.from_recordings(filter(None, kept))
    for note in store.notes:
        print(f"{name}: {note}", flush=True)
    return recordings, supervisions


def _doubtful(recording: Recording) -> Path | None:
    """The file of a recording whose header may say a wrong length."""
    sources = recording.sources
    if len(sources) != 1 or sources[0].type != "file" or recording.transforms:
        return None
    path = Path(sources[0].source)
    try:
        with open(path, "rb") as file:
            return None if file.read(4) == b"fLaC" else path
    except OSError:
        return None  # stage 2 says so


def _right(
    recording: Recording, new: Described | AudioError | None
) -> Recording | None:
    if new is None:
        return recording
    return new.recording if isinstance(new, Described) else None


def _fitted(
    segment: SupervisionSegment,
    old: float,
    new: Described | AudioError,
    store: AudioStore,
) -> SupervisionSegment:
    """An utterance in a recording whose true length is another one."""
    if isinstance(new, AudioError):
        return set_aside(segment.id, UNREADABLE, str(new))
    length = new.recording.duration
    to_its_end = abs(segment.end - old) < AT_THE_END
    end = length if to_its_end else min(segment.end, length)
    if end <= segment.start:
        reach = f"from {segment.start:g} to {segment.end:g} s of {length:.2f} s"
        return set_aside(segment.id, BAD_SEGMENT, reach)
    placed = segment
    if end != segment.end:
        placed = fastcopy(segment, duration=end - segment.start)
    if new.louder is None or only_channel(segment) is not None:
        return placed
    store.note(cancelled(new.louder), shown(new.recording.sources[0].source))
    return on_channel(placed, new.louder)


def write_flac(sound: Sound, flac: Path) -> None:
    """Write all of a file as FLAC of 16 bits, atomically.

    Raises:
        AudioError: it cannot be decoded.
    """
    # In memory first: on a full disk libsndfile would fail without saying why.
    content = io.BytesIO()
    with ExitStack() as stack, named(sound.path):
        file: soundfile.SoundFile | None = None
        for block in sound_blocks(sound, BLOCK):
            if file is None:
                new = soundfile.SoundFile(
                    content, "w", sound.rate, block.shape[1], "PCM_16", format="FLAC"
                )
                file = stack.enter_context(new)
            file.write(block)
    with atomic_path(flac) as partial:
        partial.write_bytes(content.getvalue())


def _recording(id_: str, sounds: Sequence[Sound]) -> Recording:
    """Describe files that libsndfile reads, all channels of each."""
    rates = {sound.rate for sound in sounds}
    if len(rates) > 1:
        names = ", ".join(shown(sound.path) for sound in sounds)
        raise AudioError(f"{names}: have different sample rates")
    rate, lengths = rates.pop(), [sound.frames for sound in sounds]
    if max(lengths) - min(lengths) > APART * rate:
        seconds = (max(lengths) - min(lengths)) / rate
        names = ", ".join(shown(sound.path) for sound in sounds)
        raise AudioError(f"{names}: differ in length by {seconds:.2f} s")
    frames = max(lengths)
    sources, count = [], 0
    for sound in sounds:
        channels = list(range(count, count + sound.channels))
        count += sound.channels
        path = str(sound.path.absolute())
        sources.append(AudioSource(type="file", channels=channels, source=path))
    return Recording(
        id=id_,
        sources=sources,
        sampling_rate=rate,
        num_samples=frames,
        duration=frames / rate,
        channel_ids=list(range(count)),
    )


def _time(path: Path) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
