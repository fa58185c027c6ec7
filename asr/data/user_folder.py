"""A user's own folder: ``audio/`` and, where known, ``transcriptions/<utt-id>.txt``."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from asr.data import ffmpeg
from asr.data.audio import SUFFIXES, check_audio
from asr.data.user_names import Name, name_files, shown
from asr.data.user_transcripts import match_transcripts, read_transcripts
from asr.errors import RecipeError
from asr.folders import is_hidden, list_files, subfolder, where_to
from asr.text.normalize import Rule, without_reserved

READABLE = (*SUFFIXES, *ffmpeg.SUFFIXES)


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
    heard = find_audio(root)
    names = name_files(list(heard.audio))
    reserved: list[str] = []

    def rule(text: str) -> str:
        text, before = without_reserved(text)
        text, after = without_reserved(normalize(text))
        reserved.extend([*before, *after])
        return text

    told = read_transcripts(subfolder(folder, "transcriptions"), rule)
    texts, notes = match_transcripts(told.texts, names)
    failures = dict(told.problems)
    for path, why in heard.problems.items():
        failures[shown(path.relative_to(folder))] = why
    files: list[UserFile] = []
    for relative, path in heard.audio.items():
        place = shown(path.relative_to(folder))
        problem = heard.problems.get(path) or check(path)
        if problem is None:
            text = texts.get(names[relative].id)
            key = _key(place, path)
            files.append(UserFile(names[relative], path, place, key, text))
        else:
            failures[place] = problem
    notes = [*notes, *told.notes, *heard.notes, *_beside(folder, root)]
    if reserved:
        words = " ".join(dict.fromkeys(reserved))
        notes.append(
            f"{len(reserved)} words taken out of transcripts, as they are reserved: {words}"
        )
    files.sort(key=lambda file: file.id.encode())
    return UserFolder(tuple(files), dict(sorted(failures.items())), tuple(notes))


def audio_root(folder: Path) -> Path:
    """Where the audio of a folder is: in ``audio/``, else in the folder itself.

    Raises:
        RecipeError: ``audio`` is a file, or a link that leads nowhere.
    """
    root = subfolder(folder, "audio")
    if root.is_dir():
        return root
    if os.path.lexists(root):
        problem = where_to(root) if root.is_symlink() else "is not a folder"
        raise RecipeError(f"{shown(root)}: {problem}")
    return folder


@dataclass(frozen=True)
class FoundAudio:
    """The audio below a folder.

    Attributes:
        audio: by path in it.
        others: all other files, by path in it.
        problems: what is wrong with links, some of them in ``audio``, and folders.
        notes: one line each about what is passed over.
    """

    audio: dict[PurePath, Path]
    others: list[PurePath]
    problems: dict[Path, str]
    notes: list[str]


def find_audio(root: Path) -> FoundAudio:
    """Find the audio below a folder: hidden files are left out, links followed.

    Raises:
        RecipeError: there is no audio.
    """
    audio, others, problems = {}, [], {}
    listing = list_files(root)
    for path in sorted([*listing.files, *listing.problems], key=os.fsencode):
        relative = PurePath(path.relative_to(root))
        if root.name.lower() != "audio" and _is_transcript(relative):
            continue
        if path in listing.problems:
            problems[path] = listing.problems[path]
        if path.suffix.lower() in READABLE:
            audio[relative] = path
        elif path not in problems:
            others.append(relative)
    if not audio:
        kinds = ", ".join(suffix.removeprefix(".") for suffix in SUFFIXES)
        why = "".join(f"; {shown(path)}: {why}" for path, why in problems.items())
        home = root.parent if root.name.lower() == "audio" else root
        raise RecipeError(
            f"{shown(root)}: no audio files; put them into {shown(home)}/audio, one an "
            f"utterance ({kinds}; with ffmpeg also m4a){why}"
        )
    notes = [
        f"{shown(link)} is the same folder as {shown(first)}, read once"
        for link, first in listing.twice.items()
    ]
    if others:
        notes.append(f"not audio by their names, passed over: {_some(others)}")
    return FoundAudio(audio, others, problems, notes)


def _is_transcript(relative: PurePath) -> bool:
    """Whether a file lies in the folder of transcripts."""
    return relative.parts[0].lower() == "transcriptions"


def _beside(folder: Path, root: Path) -> list[str]:
    """A note on what lies beside the folder of audio, where there is one."""
    if root == folder:
        return []
    read = (root.name, subfolder(folder, "transcriptions").name)
    rest = [PurePath(n) for n in os.listdir(folder) if n not in read]
    rest = sorted(path for path in rest if not is_hidden(path.name))
    if not rest:
        return []
    return [f"beside {' and '.join(read)}, not read: {_some(rest)}"]


def _some(paths: Sequence[PurePath]) -> str:
    more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
    return ", ".join(shown(path) for path in paths[:5]) + more


def check(path: Path) -> str | None:
    """What is wrong with a file, as far as its ends tell."""
    if path.suffix.lower() not in ffmpeg.SUFFIXES:
        return check_audio(path)
    if not path.is_file():
        return "no such file"
    if path.stat().st_size == 0:
        return "is empty (0 bytes)"
    return None if ffmpeg.find_ffmpeg() else ffmpeg.NO_FFMPEG


def _key(place: str, path: Path) -> str:
    status = path.stat()
    return f"{place} {status.st_size} {status.st_mtime_ns}"
