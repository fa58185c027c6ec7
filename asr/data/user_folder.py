"""A user's own folder: ``audio/`` and, where known, ``transcriptions/<utt-id>.txt``."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from asr.data.sound_file import SUFFIXES, AudioError, look_at
from asr.data.user_names import Name, name_files, shown
from asr.data.user_transcripts import match_transcripts, read_transcripts
from asr.errors import RecipeError
from asr.text.normalize import Rule


@dataclass(frozen=True)
class UserFile:
    """One audio file.

    Attributes:
        name: its id, and what its prediction is called.
        path: where it is.
        place: relative to the folder, for messages and as part of ``key``.
        key: changes when the file does: place, size and time.
        text: normalised transcript, None where unknown.
    """

    name: Name
    path: Path
    place: str
    key: str
    text: str | None

    @property
    def id(self) -> str:
        return self.name.id


@dataclass(frozen=True)
class UserFolder:
    """What a folder holds.

    Attributes:
        files: audio that looks whole, by id.
        failures: file (relative) -> what is wrong with it.
        notes: one line each about what is passed over.
    """

    files: tuple[UserFile, ...]
    failures: dict[str, str]
    notes: tuple[str, ...]


def load_user_folder(folder: Path, normalize: Rule) -> UserFolder:
    """Find the audio and the transcripts of a user's folder.

    Raises:
        RecipeError: there is no audio at all.
    """
    root = audio_root(folder)
    audio, others = find_audio(root)
    names = name_files(list(audio))
    texts, failures = read_transcripts(folder / "transcriptions", normalize)
    found, notes = match_transcripts(texts, names)
    files = []
    for relative, path in audio.items():
        place = shown(path.relative_to(folder))
        problem = check(path)
        if problem is None:
            text = found.get(names[relative].id)
            key = _key(place, path)
            files.append(UserFile(names[relative], path, place, key, text))
        else:
            failures[place] = problem
    if others:
        names_of = ", ".join(shown(path) for path in others[:5])
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        notes.append(f"not audio by their names, passed over: {names_of}{more}")
    files.sort(key=lambda file: file.id.encode())
    return UserFolder(tuple(files), dict(sorted(failures.items())), tuple(notes))


def audio_root(folder: Path) -> Path:
    """Where the audio of a folder is: in ``audio/``, else in the folder itself."""
    return folder / "audio" if (folder / "audio").is_dir() else folder


def find_audio(root: Path) -> tuple[dict[PurePath, Path], list[PurePath]]:
    """Return the audio below a folder by relative path, and all other files.

    Hidden files and folders are left out, links are followed.

    Raises:
        RecipeError: there is no audio.
    """
    audio, others = {}, []
    for path in sorted(walk(root), key=os.fsencode):
        relative = path.relative_to(root)
        if relative.parts[0] == "transcriptions" and root.name != "audio":
            continue
        if path.suffix.lower() in SUFFIXES:
            audio[PurePath(relative)] = path
        else:
            others.append(PurePath(relative))
    if not audio:
        raise RecipeError(
            f"{shown(root)}: no audio files; put them into "
            f"{shown(root.parent if root.name == 'audio' else root)}/audio, one an "
            "utterance (wav, flac, mp3, ogg, opus, m4a, webm and others)"
        )
    return audio, others


def walk(folder: Path) -> Iterator[Path]:
    """All files below a folder that are not hidden; a folder that is linked comes once."""
    seen: set[str] = set()
    for where, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(where)
        folders[:] = [f for f in folders if not f.startswith(".") and real not in seen]
        if real not in seen:
            seen.add(real)
            yield from (Path(where) / f for f in files if not f.startswith("."))


def check(path: Path) -> str | None:
    """What is wrong with a file, as far as its ends tell."""
    try:
        look_at(path)
    except AudioError as error:
        return str(error).removeprefix(f"{path}: ")
    return None


def _key(place: str, path: Path) -> str:
    status = path.stat()
    return f"{place} {status.st_size} {status.st_mtime_ns}"
