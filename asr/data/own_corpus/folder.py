"""A set as ``--test-dir`` takes it: ``audio/`` and ``transcriptions/<name>.txt``."""

from collections.abc import Mapping
from pathlib import Path, PurePath

from lhotse import SupervisionSegment

from asr.data.audio import AudioError
from asr.data.manifest_filter import DUPLICATE, NO_AUDIO, UNREADABLE
from asr.data.own_corpus.audio_file import AudioStore
from asr.data.own_corpus.found import FoundSet
from asr.data.own_corpus.table import read_table
from asr.data.user_folder import audio_root, find_audio
from asr.data.user_names import Name, name_files, shown
from asr.data.user_transcripts import pair, read_transcripts
from asr.errors import RecipeError
from asr.folders import subfolder
from asr.text.normalize import fold_spaces

NO_SPEAKERS = (
    "no speakers are known (no folders below audio/, no utt2spk), so every utterance "
    "counts as one of its own"
)


def read_folder(folder: Path, store: AudioStore) -> FoundSet:
    """Read the audio and transcripts of one set.

    A speaker is a folder directly below ``audio/``, or what ``utt2spk`` says of an
    utterance's id, place or name.

    Raises:
        RecipeError: there is no audio, or there are no transcripts.
    """
    root, transcriptions = audio_root(folder), subfolder(folder, "transcriptions")
    heard = find_audio(root)
    if not transcriptions.is_dir():
        raise RecipeError(
            f"{transcriptions}: no such folder; each audio file needs its words "
            "there, in <its name>.txt"
        )
    names = name_files(list(heard.audio))
    told = read_transcripts(transcriptions, fold_spaces)
    texts = pair(told.texts, names)
    found = FoundSet("audio and transcriptions", ids_of_names=True)
    speakers = _speakers(folder, names, found)
    segments = []
    for relative, path in heard.audio.items():
        id_ = names[relative].id
        try:
            if path in heard.problems:
                raise AudioError(f"{path}: {heard.problems[path]}")
            recording = store.describe(id_, path)
        except AudioError as error:
            found.drop(id_, UNREADABLE, str(error))
            continue
        found.recordings[id_] = recording
        if id_ in texts.found:
            segments.append(
                SupervisionSegment(
                    id_,
                    id_,
                    start=0.0,
                    duration=recording.duration,
                    text=texts.found[id_],
                    speaker=speakers.get(id_, id_),
                )
            )
    found.add(segments, folder)
    for place, problem in told.problems.items():
        found.drop(place, "unreadable transcript", problem)
    for path in heard.problems.keys() - heard.audio.values():
        found.drop(
            shown(path.relative_to(folder)),
            UNREADABLE,
            f"{path}: {heard.problems[path]}",
        )
    for place in texts.unknown:
        found.drop(
            place, NO_AUDIO, f"{transcriptions}/{place}.txt: no audio of that name"
        )
    for place, id_ in texts.second.items():
        detail = (
            f"{transcriptions}/{place}.txt: {id_} has another transcript of its own"
        )
        found.drop(place, DUPLICATE, detail)
    found.notes += [*told.notes, *heard.notes]
    return found


def _speakers(
    folder: Path, names: Mapping[PurePath, Name], found: FoundSet
) -> dict[str, str]:
    """Speaker by utterance id, of those that are known."""
    path = folder / "utt2spk"
    if path.is_file():
        table = read_table(path)
        found.notes += [detail for _, detail in table.twice]
        said = {PurePath(key): value for key, value in table.rows.items()}
        paired = pair(said, names)
        speakers, lost = paired.found, paired.unknown
        if lost:
            found.notes.append(
                f"{path}: {len(lost)} lines name no audio: {lost[0]} ..."
            )
        missing = len(names) - len(speakers)
        if missing:
            found.notes.append(
                f"{path}: says nothing of {missing} utterances; each counts as a speaker "
                "of its own"
            )
        return speakers
    speakers = {n.id: p.parts[0] for p, n in names.items() if len(p.parts) > 1}
    if not speakers:
        found.notes.append(NO_SPEAKERS)
    return speakers
