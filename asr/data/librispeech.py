"""LibriSpeech and mini LibriSpeech, in their official layout, by lhotse's own recipe."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lhotse import Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.recipes.librispeech import parse_utterance

from asr.data.audio import check_audio
from asr.data.corpus import (
    Manifests,
    Options,
    Utterance,
    describe,
    list_option,
    string_option,
)
from asr.data.download import Source, provide
from asr.errors import RecipeError
from asr.folders import list_files


def download(folder: Path, options: Options, nj: int) -> None:
    """Bring every part that ``options`` names into ``folder/LibriSpeech``.

    Args:
        nj: not used; a corpus's hook is called with it.
        options: ``parts`` as for :func:`manifests`; ``url``, the address of the folder
            with ``<part>.tar.gz``; ``md5``, the checksum of each.

    Raises:
        RecipeError: a part cannot be had.
    """
    checksums = options.get("md5")
    if not isinstance(checksums, Mapping):
        raise RecipeError(f"corpus.options.md5: part: checksum, got {checksums!r}")
    for part in sorted({name for names in _parts(options).values() for name in names}):
        unpacked = f"LibriSpeech/{part}"
        if (folder / unpacked).is_dir():
            print(f"{folder / unpacked}: already there", flush=True)
            continue
        if part not in checksums:
            raise RecipeError(
                f"{folder / unpacked}: not there, and corpus.options.md5 does not know "
                f"{part}; known are {', '.join(checksums)}"
            )
        file = f"{part}.tar.gz"
        url = f"{string_option(options, 'url')}/{file}"
        provide(folder, Source(file, url, unpacked, "md5", str(checksums[part])))


def manifests(folder: Path, work_dir: Path, options: Options) -> Manifests:
    """Describe every split that ``options["parts"]`` maps to folders' names.

    Args:
        folder: the download folder, with ``LibriSpeech`` below it.
        work_dir: not used; a corpus's hook is called with it.
        options: ``halved: {dev: test}``, if given, takes the upper half of dev's
            speakers, in the order of their numbers, out of dev and calls it test.

    Raises:
        RecipeError: a part is not there, or a split cannot be halved.
    """
    corpus = folder / "LibriSpeech"
    parts = _parts(options).items()
    splits = {split: read_parts(corpus, names) for split, names in parts}
    halved = options.get("halved", {})
    if not isinstance(halved, Mapping):
        raise RecipeError(f"corpus.options.halved: split: new split, got {halved!r}")
    for split, upper in halved.items():
        if split not in splits or upper in splits:
            raise RecipeError(
                f"corpus.options.halved: {split}: {upper}: the first must be one of "
                f"{', '.join(splits)}, the second a new one"
            )
        splits[split], splits[upper] = halve(*splits[split])
    return splits


def halve(
    recordings: RecordingSet, supervisions: SupervisionSet
) -> list[tuple[RecordingSet, SupervisionSet]]:
    """Divide a split into two with no speaker in common, by the speakers' numbers.

    Returns:
        The lower half, which has the odd one of an odd number of speakers, and the
        upper.

    Raises:
        RecipeError: there is only one speaker.
    """
    ids = [r.id for r in recordings] + [s.id for s in supervisions]
    speakers = sorted({_speaker(id_) for id_ in ids}, key=lambda s: (len(s), s))
    if len(speakers) < 2:
        raise RecipeError(f"corpus.options.halved: {len(speakers)} speaker(s)")
    half = -(-len(speakers) // 2)
    return [
        (
            RecordingSet.from_recordings(
                r for r in recordings if _speaker(r.id) in chosen
            ),
            SupervisionSet.from_segments(
                s for s in supervisions if _speaker(s.id) in chosen
            ),
        )
        for chosen in (set(speakers[:half]), set(speakers[half:]))
    ]


def _speaker(id_: str) -> str:
    """``1272`` of ``1272-128104-0000``."""
    return id_.split("-")[0]


def read_parts(
    corpus: Path, names: Sequence[str]
) -> tuple[RecordingSet, SupervisionSet]:
    """Read some parts as one split."""
    recordings: list[Recording] = []
    supervisions: list[SupervisionSegment] = []
    for name in names:
        part = corpus / name
        if not part.is_dir():
            raise RecipeError(
                f"{part}: no such folder; run stage 0, or name the parts that are there "
                'with --set "corpus.options.parts.train=[...]"'
            )
        for recording, supervision in read_part(part):
            if recording is not None:
                recordings.append(recording)
            if supervision is not None:
                supervisions.append(supervision)
    return (
        RecordingSet.from_recordings(recordings),
        SupervisionSet.from_segments(supervisions),
    )


def read_part(
    part: Path,
) -> Iterator[tuple[Recording | None, SupervisionSegment | None]]:
    """Yield what lhotse makes of each transcript line, and audio that has none.

    lhotse's ``prepare_librispeech`` stops at the first unreadable file and passes over
    missing ones; called line by line, its ``parse_utterance`` does neither.
    """
    tables = (p for p in list_files(part).files if p.name.endswith(".trans.txt"))
    for table in sorted(tables):
        lines = [line for line in table.read_text().splitlines() if line.strip()]
        for line in lines:
            yield _read_line(part, table.parent, line)
        known = {line.split(maxsplit=1)[0] for line in lines}
        for audio in sorted(table.parent.glob("*.flac")):
            if audio.stem not in known:
                yield _described(Utterance(audio.stem, audio, None, ""))


def _read_line(
    part: Path, folder: Path, line: str
) -> tuple[Recording | None, SupervisionSegment | None]:
    id_, _, text = line.strip().partition(" ")
    audio = folder / f"{id_}.flac"
    if check_audio(audio) is None and text.strip():
        recording, supervision = parse_utterance(part.absolute(), line, {})
        return recording, supervision
    return _described(Utterance(id_, audio, text, _speaker(id_)))


def _described(
    utterance: Utterance,
) -> tuple[Recording | None, SupervisionSegment | None]:
    recordings, supervisions = describe([utterance])
    return next(iter(recordings), None), next(iter(supervisions), None)


def _parts(options: Options) -> dict[str, list[str]]:
    parts = options.get("parts")
    if not isinstance(parts, Mapping):
        raise RecipeError(f"corpus.options.parts: split: [folders], got {parts!r}")
    return {split: list_option(parts, split) for split in parts}
