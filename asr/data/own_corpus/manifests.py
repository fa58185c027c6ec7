"""A set as lhotse manifests, as icefall keeps them: recordings, supervisions, or cuts."""

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lhotse import (
    Recording,
    RecordingSet,
    SupervisionSegment,
    SupervisionSet,
    load_manifest_lazy,
)
from lhotse.cut import MonoCut, MultiCut
from lhotse.utils import fastcopy

from asr.data.audio import AudioError, check_audio
from asr.data.channels import on_channel
from asr.data.manifest_filter import (
    BAD_SEGMENT,
    DUPLICATE,
    NO_AUDIO,
    NO_TRANSCRIPT,
)
from asr.data.own_corpus.audio_file import AudioStore
from asr.data.own_corpus.commands import by_command
from asr.data.own_corpus.found import FoundSet, why_unheard
from asr.data.own_corpus.named import manifest_files
from asr.data.user_names import plain_id
from asr.errors import RecipeError

PERTURBED = "perturbed copy"
TOLERANCE = 0.01  # seconds that a supervision may reach beyond its cut


def read_manifests(folder: Path, store: AudioStore) -> FoundSet:
    """Read recordings and supervisions, or, without supervisions, cuts.

    Lengths and sample rates are taken from the audio files, whatever a manifest says.

    Raises:
        RecipeError: a file is damaged or no manifest, some are missing, or audio lies
            where the recipe cannot read it.
    """
    found = FoundSet("lhotse manifests")
    by_kind: dict[str, list[tuple[Path, Any]]] = {}
    for path in manifest_files(folder):
        manifest = _load(path)
        by_kind.setdefault(type(manifest).__name__, []).append((path, manifest))
        odd = next((item.id for item in manifest if plain_id(item.id) != item.id), None)
        if odd is not None:
            found.notes.append(
                f"{path}: ids are written without blanks here: {plain_id(odd)}"
            )
    recordings = by_kind.get(RecordingSet.__name__, [])
    supervisions = by_kind.get(SupervisionSet.__name__, [])
    cuts = by_kind.get("CutSet", [])
    if recordings and supervisions:
        for path, _ in cuts:
            found.notes.append(f"{path}: not needed beside recordings and supervisions")
        listed = _listed(recordings, found)
        for path, items in supervisions:
            plain = (_called_plainly(segment) for segment in items)
            _take(((path, s, listed.get(s.recording_id)) for s in plain), store, found)
        _untold(listed, store, found)
    elif cuts:
        for path, items in cuts:
            _take(_of_cuts(path, items, found), store, found)
    else:
        raise RecipeError(
            f"{folder}: neither recordings and supervisions nor cuts among its manifests "
            f"({', '.join(p.name for p in manifest_files(folder))})"
        )
    return found


def _load(path: Path) -> Any:
    try:
        manifest = load_manifest_lazy(path)
        if manifest is not None:
            return manifest.to_eager()
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        zlib.error,
    ) as error:
        reason = " ".join(str(error).split())[:100]
        raise RecipeError(f"{path}: not a manifest of lhotse's ({reason})") from error
    raise RecipeError(f"{path}: is empty")


Listed = tuple[Path, SupervisionSegment, tuple[Path, Recording] | None]


def _listed(
    manifests: Sequence[tuple[Path, Any]], found: FoundSet
) -> dict[str, tuple[Path, Recording]]:
    """All recordings by id, the first of each."""
    listed: dict[str, tuple[Path, Recording]] = {}
    for path, recordings in manifests:
        for recording in recordings:
            id_ = plain_id(recording.id)
            if id_ in listed:
                detail = f"{path}: a recording of {listed[id_][0]} is called so too"
                found.drop(id_, DUPLICATE, detail)
            else:
                listed[id_] = (path, fastcopy(recording, id=id_))
    return listed


def _called_plainly(segment: SupervisionSegment) -> SupervisionSegment:
    """With ids as tables need them."""
    id_, recording_id = plain_id(segment.id), plain_id(segment.recording_id)
    return fastcopy(segment, id=id_, recording_id=recording_id)


def _take(items: Iterator[Listed], store: AudioStore, found: FoundSet) -> None:
    """Take utterances with their recordings, each of which is looked at once."""
    failed: dict[str, tuple[str, str]] = {}
    segments: dict[Path, list[SupervisionSegment]] = {}
    for path, segment, listed in items:
        id_ = segment.recording_id
        if listed is not None and id_ not in found.recordings and id_ not in failed:
            why = _describe(*listed, store, found)
            if why is not None:
                failed[id_] = why
        if id_ in failed:
            found.drop(segment.id, *failed[id_])
        elif listed is None:
            found.drop(
                segment.id, NO_AUDIO, f"{path}: no recording {id_} in {path.parent}"
            )
        else:
            segments.setdefault(path, []).append(_plain(segment, found))
    for path, of_file in segments.items():
        found.add(of_file, path)


def _plain(segment: SupervisionSegment, found: FoundSet) -> SupervisionSegment:
    """The utterance without what other programs noted about it."""
    channels = segment.channel
    channels = [channels] if isinstance(channels, int) else list(channels)
    id_ = segment.recording_id
    if id_ in found.channels:  # a command gave it alone, as its channel 0
        channels = [found.channels[id_]]
    plain = fastcopy(
        segment,
        channel=channels[0],
        speaker=segment.speaker or id_,
        custom=None,
        alignment=None,
    )
    if len(channels) == 1 and len(found.recordings[id_].channel_ids) > 1:
        return on_channel(plain, channels[0])
    return plain


def _describe(
    path: Path, recording: Recording, store: AudioStore, found: FoundSet
) -> tuple[str, str] | None:
    """Describe a recording anew; else return why it cannot be used."""
    names = [
        t["name"] if isinstance(t, dict) else type(t).__name__
        for t in recording.transforms or []
    ]
    changed = [name for name in names if name != "Resample"]
    if changed:
        what = f"{path}: {recording.id} went through {', '.join(changed)}"
        return PERTURBED, f"{what}; copies are made by fbank.speeds and fbank.augment"
    try:
        found.describe(recording.id, _found(path, recording, store))
    except AudioError as error:
        return why_unheard(error)
    return None


def _found(
    path: Path, recording: Recording, store: AudioStore
) -> tuple[Recording, int | None]:
    """The recording with its files where they are, and its only channel, if named."""
    for source in recording.sources:
        if source.type not in ("file", "command"):
            raise RecipeError(
                f"{path}: recording {recording.id} is of type '{source.type}', not a file; "
                "save the audio as files (lhotse: cuts.save_audios) and their manifests"
            )
    first = recording.sources[0]
    if len(recording.sources) == 1 and first.type == "command":
        where = f"{path}, {recording.id}"
        return by_command(recording.id, f"{first.source} |", store, where)
    files = [store.locate(source.source) for source in recording.sources]
    if len(files) == 1:
        return store.describe(recording.id, files[0]), None
    for file in files:
        problem = check_audio(file)
        if problem is not None:
            raise AudioError(f"{file}: {problem}")
    sources = [
        fastcopy(source, source=str(file.absolute()))
        for source, file in zip(recording.sources, files, strict=True)
    ]
    return fastcopy(recording, sources=sources, transforms=None), None


def _untold(
    listed: dict[str, tuple[Path, Recording]], store: AudioStore, found: FoundSet
) -> None:
    """Recordings that no supervision names."""
    named = {segment.recording_id for segment in found.supervisions}
    for id_ in sorted(listed.keys() - named - found.recordings.keys()):
        found.drop(id_, NO_TRANSCRIPT, f"{listed[id_][0]}: no supervision names it")


def _of_cuts(path: Path, cuts: Any, found: FoundSet) -> Iterator[Listed]:
    """The utterances of cuts, with their times in the recording."""
    for cut in cuts:
        if not isinstance(cut, MonoCut | MultiCut):
            found.drop(cut.id, "mixed cut", f"{path}: a {type(cut).__name__}")
        elif not cut.has_recording:
            found.drop(cut.id, NO_AUDIO, f"{path}: the cut has features only")
        elif not cut.supervisions:
            found.drop(cut.id, NO_TRANSCRIPT, f"{path}: the cut has no supervision")
        else:
            for segment in cut.supervisions:
                if segment.start < -TOLERANCE or segment.end > cut.duration + TOLERANCE:
                    found.drop(
                        segment.id, BAD_SEGMENT, f"{path}: reaches beyond cut {cut.id}"
                    )
                    continue
                recording = fastcopy(cut.recording, id=plain_id(cut.recording.id))
                placed = fastcopy(
                    segment,
                    id=plain_id(segment.id),
                    recording_id=recording.id,
                    start=max(0.0, cut.start + segment.start),
                )
                yield path, placed, (path, recording)
