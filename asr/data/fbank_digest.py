"""Which features a folder holds: a hash of what was asked for, and the shards' sizes."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lhotse
import soundfile
from lhotse.cut import MonoCut

from asr.atomic import write_text
from asr.data.fbank import FbankSettings

SAMPLE_BYTES = 4096
CONTENT_FILE = "content.txt"  # hash of what was asked for, then shards and sizes


def content_hash(planned: Sequence[Sequence[MonoCut]], settings: FbankSettings) -> str:
    """Hash of everything that the shards' bytes depend on, wherever it lies."""
    described = _described(settings)
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    digest.update(lhotse.__version__.encode())
    for shard in planned:
        digest.update(b"shard")
        for cut in shard:
            described = cut.to_dict()
            for source in described["recording"]["sources"]:
                digest.update(_sample_of(Path(source.pop("source"))))
            digest.update(json.dumps(described, sort_keys=True).encode())
    return digest.hexdigest()


def write_content(folder: Path, digest: str) -> None:
    """Note in a folder of finished shards what they hold."""
    write_text(folder / CONTENT_FILE, _content(folder, digest))


def is_finished(folder: Path, digest: str) -> bool:
    """Whether the folder holds these features, every shard in its full size."""
    path = folder / CONTENT_FILE
    return path.is_file() and path.read_text() == _content(folder, digest)


def _described(settings: FbankSettings) -> dict[str, Any]:
    """The settings, and the content of the sounds that they name.

    Without augmented copies, or a level, it is what it was before there were any, so
    that features of then are known again.
    """
    described = asdict(settings)
    if settings.level is None:
        del described["level"]
    augment = described.pop("augment")
    if settings.augment is not None and settings.augment.config.active_copies:
        for name in ("noises", "impulses"):
            files: tuple[Path, ...] = augment[name]
            augment[name] = [_sample_of(path).hex() for path in files]
        for part in ("noise", "reverb"):  # its content counts, not its place
            del augment["config"][part]["folder"]
        augment["libsndfile"] = soundfile.__libsndfile_version__
        described["augment"] = augment
    return described


def _sample_of(audio: Path) -> bytes:
    """Size of a file and some bytes of its middle: tells other audio by the same name.

    Not its time or place, which would make equal features look different.
    """
    try:
        with open(audio, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(size // 2)
            return str(size).encode() + file.read(SAMPLE_BYTES)
    except OSError:
        return b"missing"


def _content(folder: Path, digest: str) -> str:
    sizes = [f"{p.name} {p.stat().st_size}" for p in sorted(folder.glob("*.h5"))]
    return "\n".join([digest, *sizes]) + "\n"
