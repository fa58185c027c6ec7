"""A user's own folder: ``audio/*`` and, where known, ``transcriptions/<id>.txt``."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.data.audio import SUFFIXES, AudioError, check_audio, read_audio
from asr.data.fbank import compute
from asr.errors import RecipeError
from asr.text.normalize import Rule

WINDOW = 0.025  # seconds, of the filter bank


@dataclass(frozen=True)
class UserUtterance:
    """One audio file; ``text`` is its normalised transcript, None where unknown."""

    id: str
    audio: Path
    text: str | None


@dataclass(frozen=True)
class UserFolder:
    """What a folder holds.

    Attributes:
        utterances: readable audio, sorted by id.
        failures: id -> what is wrong with it: audio that cannot be read, a transcript
            without audio, a transcript that is no UTF-8 text.
    """

    utterances: tuple[UserUtterance, ...]
    failures: dict[str, str]


def load_user_folder(folder: Path, normalize: Rule) -> UserFolder:
    """Find the audio and the transcripts of a user's folder.

    Raises:
        RecipeError: there is no audio at all, or two files share an id.
    """
    files = find_audio(folder)
    texts, failures = read_transcripts(folder / "transcriptions", normalize)
    failures.update(unsupported_files(folder))
    for id_ in sorted(texts.keys() - files.keys()):
        path = folder / "transcriptions" / f"{id_}.txt"
        failures[id_] = f"{path}: there is no audio/{id_}.* for this transcript"
    utterances = []
    for id_, path in sorted(files.items()):
        problem = check_audio(path)
        if problem is None:
            utterances.append(UserUtterance(id_, path, texts.get(id_)))
        else:
            failures[id_] = f"{path}: {problem}"
    return UserFolder(tuple(utterances), dict(sorted(failures.items())))


def find_audio(folder: Path) -> dict[str, Path]:
    """Return id -> file for everything in ``folder/audio`` that is audio by its name.

    The id is the name without suffix; spaces, which Kaldi's ``text`` does not allow in
    an id, become ``_``.

    Raises:
        RecipeError: there is none, or two files share an id.
    """
    audio = folder / "audio"
    files: dict[str, Path] = {}
    for path in sorted(audio.iterdir()) if audio.is_dir() else []:
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        id_ = _id(path)
        if id_ in files:
            raise RecipeError(
                f"{audio}: {files[id_].name} and {path.name} have the same id; "
                "rename one of them"
            )
        files[id_] = path
    if not files:
        kinds = ", ".join(SUFFIXES)
        raise RecipeError(
            f"{audio}: no audio files; put them there, one an utterance ({kinds})"
        )
    return files


def _id(path: Path) -> str:
    return "_".join(path.stem.split())


def unsupported_files(folder: Path) -> dict[str, str]:
    """Return name -> problem for the files in ``folder/audio`` that are passed over."""
    return {
        path.name: f"{path}: not a format that can be read; convert it to wav or flac"
        for path in sorted((folder / "audio").iterdir())
        if path.is_file()
        and path.suffix.lower() not in SUFFIXES
        and not path.name.startswith(".")
    }


def read_transcripts(
    folder: Path, normalize: Rule
) -> tuple[dict[str, str], dict[str, str]]:
    """Read ``<id>.txt`` files; return (id -> normalised text, id -> problem).

    An empty transcript counts as none: it cannot be told from a forgotten one.
    """
    texts: dict[str, str] = {}
    problems: dict[str, str] = {}
    for path in sorted(folder.glob("*.txt")) if folder.is_dir() else []:
        try:
            text = normalize(path.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError as error:
            problems[_id(path)] = f"{path}: not UTF-8 ({error.reason}); save it as such"
            continue
        if text:
            texts[_id(path)] = text
    return texts, problems


def extract(
    utterance: UserUtterance, sample_rate: int, num_mel_bins: int
) -> NDArray[np.float32]:
    """Return the (T, num_mel_bins) features of one file: mono, resampled.

    Raises:
        AudioError: the file turns out to be damaged, or shorter than one window.
    """
    samples = read_audio(utterance.audio, sample_rate)
    if len(samples) < WINDOW * sample_rate:
        raise AudioError(f"{utterance.audio}: is shorter than {1000 * WINDOW:.0f} ms")
    return compute(samples, sample_rate, num_mel_bins)
