"""The user's audio where it lies, or as FLAC where libsndfile cannot read it there."""

import hashlib
import io
import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from lhotse import Recording

from asr.atomic import atomic_path
from asr.data import ffmpeg
from asr.data.audio import AudioError, check_audio
from asr.data.corpus import describe_audio
from asr.data.user_names import shown
from asr.progress import LineTimer

CONVERTED_RATE = 16_000  # Hz, of what ffmpeg decodes
LONGEST = 60  # bytes of an id in a file's name


class AudioStore:
    """Finds and describes the audio of one set.

    Args:
        name: of the set, for progress.
        folder: where converted files go.
        bases: folders that relative paths are tried in, one after the other.
    """

    def __init__(self, name: str, folder: Path, bases: Sequence[Path]) -> None:
        self.folder = folder
        self.bases = bases
        self._name = name
        self._timer = LineTimer()
        self._count = 0

    def locate(self, path: str) -> Path:
        """A file by its name in a table; below the first base where it is nowhere.

        Accents may be stored in another way there than on the disk.
        """
        forms = dict.fromkeys(
            [path, *(unicodedata.normalize(f, path) for f in ("NFC", "NFD"))]
        )
        places = [base / form for form in forms for base in self.bases]
        # os.path's: a name that no file can have, or may be asked of, is nowhere.
        return next((p for p in places if os.path.exists(p)), places[0])

    def describe(self, id_: str, path: Path) -> Recording:
        """Describe a recording from its file.

        Raises:
            AudioError: it is not there or cannot be read; the message names it.
        """
        self._tell()
        try:
            str(path).encode()
        except UnicodeEncodeError as error:
            name = shown(path)
            raise AudioError(f"{name}: its name is not UTF-8; rename it") from error
        if path.suffix.lower() in ffmpeg.SUFFIXES:
            path = self._by_ffmpeg(id_, path)
        problem = check_audio(path)
        if problem is not None:
            raise AudioError(f"{path}: {problem}")
        return describe_audio(id_, path)

    def converted(self, id_: str, key: str, made_of: Sequence[Path]) -> Path:
        """Name of a FLAC for ``id_``; ``key`` tells of what and how it is made."""
        facts = [key, *(f"{p} {_time(p)}" for p in made_of)]
        digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]
        plain = re.sub(r"[^\w.-]", "_", id_).encode()[:LONGEST].decode(errors="ignore")
        return self.folder / f"{plain}-{digest}.flac"

    def _by_ffmpeg(self, id_: str, path: Path) -> Path:
        if not path.is_file():
            raise AudioError(f"{path}: no such file")
        flac = self.converted(id_, f"{CONVERTED_RATE} Hz", [path])
        if not flac.exists():
            try:
                blocks = list(ffmpeg.decode_blocks(path, CONVERTED_RATE, 1 << 20))
            except ffmpeg.FfmpegError as error:
                raise AudioError(f"{path}: {error}") from error
            if not blocks:
                raise AudioError(f"{path}: has no samples")
            write_flac(np.concatenate(blocks), CONVERTED_RATE, flac)
        return flac

    def _tell(self) -> None:
        self._count += 1
        if self._timer.due():
            print(f"{self._name}: {self._count} recordings looked at", flush=True)


def write_flac(samples: object, rate: int, flac: Path) -> None:
    """Write (num_samples, channels) as FLAC of 16 bits, atomically."""
    # In memory first: on a full disk libsndfile would fail without saying why.
    content = io.BytesIO()
    soundfile.write(content, samples, rate, "PCM_16", format="FLAC")
    with atomic_path(flac) as partial:
        partial.write_bytes(content.getvalue())


def _time(path: Path) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
