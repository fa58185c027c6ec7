"""Official LibriSpeech layout, read with lhotse's recipe."""

from collections.abc import Mapping
from pathlib import Path

from lhotse import RecordingSet, SupervisionSet

from asr.data import librispeech


def download(download_dir: Path, options: Mapping[str, object], nj: int) -> None:
    """Download the parts that ``corpus.options.parts`` names."""
    librispeech.download(download_dir, options)


def manifests(
    download_dir: Path, work_dir: Path, options: Mapping[str, object]
) -> dict[str, tuple[RecordingSet, SupervisionSet]]:
    """Describe the splits that ``corpus.options.parts`` names."""
    return librispeech.manifests(download_dir, options)
