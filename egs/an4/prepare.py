"""AN4: NIST SPHERE audio to FLAC, transcripts, and a dev set taken out of train."""

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import soundfile
from lhotse import RecordingSet, SupervisionSet

from asr.atomic import atomic_path
from asr.data.corpus import Utterance, describe, list_option
from asr.errors import RecipeError

# "<s> YES </s> (an251-fash-b)" or "YES (an251-fash-b)"
LINE = re.compile(r"^(?:<s>)?(?P<text>.*?)(?:</s>)?\s*\((?P<name>[^()\s]+)\)$")


def manifests(
    download_dir: Path, work_dir: Path, options: Mapping[str, object]
) -> dict[str, tuple[RecordingSet, SupervisionSet]]:
    """Describe train, dev and test; the FLAC files go below ``work_dir``."""
    corpus = download_dir / "an4"
    dev_speakers = set(list_option(options, "dev_speakers"))
    training = list(utterances(corpus, "train", work_dir))
    unknown = dev_speakers - {utterance.speaker for utterance in training}
    if unknown:
        raise RecipeError(
            f"corpus.options.dev_speakers: {', '.join(sorted(unknown))} not in "
            f"{corpus}/etc/an4_train.fileids"
        )
    return {
        "train": describe(u for u in training if u.speaker not in dev_speakers),
        "dev": describe(u for u in training if u.speaker in dev_speakers),
        "test": describe(utterances(corpus, "test", work_dir)),
    }


def utterances(corpus: Path, split: str, work_dir: Path) -> Iterator[Utterance]:
    """Yield the utterances of ``etc/an4_<split>.*`` with their audio as FLAC.

    ``an4_clstk/fash/an251-fash-b`` becomes ``fash-an251``: speaker first, so that
    sorting by id groups the speakers.
    """
    texts = transcripts(corpus / "etc" / f"an4_{split}.transcription")
    fileids = (corpus / "etc" / f"an4_{split}.fileids").read_text().split()
    for fileid in fileids:
        _, speaker, name = fileid.rsplit("/", 2)
        id_ = f"{speaker}-{name.split('-')[0]}"
        sphere = corpus / "wav" / f"{fileid}.sph"
        flac = to_flac(sphere, work_dir / speaker / f"{id_}.flac")
        yield Utterance(id_, flac, texts.pop(name, None), speaker)
    for name, text in sorted(texts.items()):  # transcripts that no fileid names
        yield Utterance(name, corpus / "wav" / f"{name}.sph", text, "unknown")


def transcripts(path: Path) -> dict[str, str]:
    """Read ``WORDS (name)`` lines into {name: words}."""
    texts = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        match = LINE.match(line.strip())
        if match is None:
            raise RecipeError(f"{path}, line {number}: not 'WORDS (name)': {line!r}")
        texts[match["name"]] = match["text"].strip()
    return texts


def to_flac(sphere: Path, flac: Path) -> Path:
    """Convert once; return the FLAC, or the SPHERE file where it cannot be read.

    lhotse wants a program for SPHERE that few machines have; libsndfile reads it.
    """
    if not sphere.exists():
        return sphere
    if flac.exists() and flac.stat().st_mtime_ns >= sphere.stat().st_mtime_ns:
        return flac
    try:
        samples, rate = soundfile.read(str(sphere), dtype="int16")
    except soundfile.SoundFileError:
        return sphere
    # In memory first: on a full disk libsndfile would fail without saying why.
    content = io.BytesIO()
    soundfile.write(content, samples, rate, "PCM_16", format="FLAC")
    with atomic_path(flac) as partial:
        partial.write_bytes(content.getvalue())
    return flac
