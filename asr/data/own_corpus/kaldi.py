"""A set as a Kaldi data directory: ``wav.scp``, ``text``, perhaps ``segments``, ``utt2spk``.

lhotse's ``load_kaldi_data_dir`` is not used: it takes one sample rate for all, rounds
lengths to milliseconds, knows no relative paths, stops at the first thing that is missing,
and leaves unreadable files out with a warning.
"""

import re
from pathlib import Path

from lhotse import Recording, SupervisionSegment

from asr.data.audio import AudioError
from asr.data.channels import on_channel
from asr.data.manifest_filter import (
    DUPLICATE,
    NO_AUDIO,
    NO_TRANSCRIPT,
    UNREADABLE,
)
from asr.data.own_corpus.audio_file import AudioStore
from asr.data.own_corpus.commands import by_command
from asr.data.own_corpus.found import FoundSet, why_unheard
from asr.data.own_corpus.table import Table, read_table
from asr.data.user_names import plain_id
from asr.errors import RecipeError

IN_ARCHIVE = re.compile(r".*\.ark:\d+$")


def read_kaldi(folder: Path, store: AudioStore) -> FoundSet:
    """Read a Kaldi data directory.

    Raises:
        RecipeError: a table is missing or not such a table, or audio that can only be
            had by a shell or out of an archive.
    """
    found = FoundSet("a Kaldi data directory")
    wavs = _table(folder, "wav.scp", found)
    texts = _table(folder, "text", found, empty=True)
    speakers = _speakers(folder, found)
    _recordings(wavs, store, found)
    segments = []
    for id_, (recording_id, start, end, channel) in _segments(
        folder, wavs, found
    ).items():
        recording = found.recordings.get(recording_id)
        if id_ not in texts.rows:
            found.drop(id_, NO_TRANSCRIPT, f"{texts.path} has no such line")
        elif recording is not None:
            segment = SupervisionSegment(
                id_,
                recording_id,
                start=start,
                duration=(recording.duration if end < 0 else end) - start,
                text=texts.rows[id_],
                speaker=speakers.get(id_, recording_id),
            )
            # Of a command that gives one channel, a segment's number says no more.
            channel = found.channels.get(recording_id, channel)
            segments.append(
                segment if channel is None else on_channel(segment, channel)
            )
        elif recording_id not in wavs.rows:
            found.drop(id_, NO_AUDIO, f"{wavs.path} has no recording {recording_id}")
        elif recording_id != id_:  # else the recording itself is told of
            found.drop(id_, UNREADABLE, f"recording {recording_id}, which see")
    found.add(segments, folder)
    for id_ in sorted(texts.rows.keys() - _ids(found)):
        found.drop(id_, NO_AUDIO, f"{texts.path} alone has this utterance")
    untold = sum(segment.id not in speakers for segment in segments)
    if speakers and untold:
        found.notes.append(
            f"utt2spk says nothing of {untold} utterances; each counts as of its "
            "recording's own speaker"
        )
    return found


def _speakers(folder: Path, found: FoundSet) -> dict[str, str]:
    """Speaker by utterance, of those that are known."""
    if not _has(folder, "utt2spk"):
        found.notes.append(
            "no utt2spk, so every recording counts as a speaker of its own"
        )
        return {}
    table = read_table(folder / "utt2spk")
    found.notes += [detail for _, detail in table.twice]
    _say_assumed(table, found)
    return table.rows


def _say_assumed(table: Table, found: FoundSet) -> None:
    if table.assumed:
        found.notes.append(f"{table.path}: read as {table.assumed}")


def _has(folder: Path, name: str) -> bool:
    return (folder / name).is_file()


def _ids(found: FoundSet) -> set[str]:
    return {segment.id for segment in found.supervisions}


def _table(folder: Path, name: str, found: FoundSet, empty: bool = False) -> Table:
    if not _has(folder, name):
        raise RecipeError(
            f"{folder / name}: no such file; a Kaldi data directory has wav.scp and text"
        )
    table = read_table(folder / name, empty)
    _say_assumed(table, found)
    for key, detail in table.twice:
        found.drop(key, DUPLICATE, detail)
    return table


def _recordings(wavs: Table, store: AudioStore, found: FoundSet) -> None:
    """Describe all recordings."""
    for id_, entry in wavs.rows.items():
        where = f"{wavs.path}, {id_}"
        try:
            found.describe(id_, _recording(id_, entry, store, where))
        except AudioError as error:
            found.drop(id_, *why_unheard(error))


def _recording(
    id_: str, entry: str, store: AudioStore, where: str
) -> tuple[Recording, int | None]:
    """Describe what a line of ``wav.scp`` names, and the only channel, if one is."""
    if IN_ARCHIVE.match(entry):
        raise RecipeError(
            f"{where}: {entry} lies in an archive; write the audio out as files, for "
            "example by wav-copy (Kaldi), and their paths into wav.scp"
        )
    if not entry.endswith("|"):
        return store.describe(id_, store.locate(entry)), None
    return by_command(id_, entry, store, where)


def _segments(
    folder: Path, wavs: Table, found: FoundSet
) -> dict[str, tuple[str, float, float, int | None]]:
    """Recording, start, end (negative: its end) and channel of every utterance."""
    if not _has(folder, "segments"):
        return {id_: (id_, 0.0, -1.0, None) for id_ in wavs.rows}
    table = _table(folder, "segments", found)
    segments = {}
    for id_, row in table.rows.items():
        words = row.split()
        try:
            recording_id, start, end, *channel = words
            named = int(channel[0]) if channel else None
            times = float(start), float(end)
            segments[id_] = (plain_id(recording_id), *times, named)
        except ValueError as error:
            raise RecipeError(
                f"{table.path}: '{id_} {row}' is not "
                "'<utterance> <recording> <start> <end>'"
            ) from error
    return segments
