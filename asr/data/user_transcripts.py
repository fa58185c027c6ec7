"""The transcripts in a user's folder, and whose they are."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from asr.data.user_names import Name, shown
from asr.folders import list_files, where_to
from asr.text.encoding import EncodingError, decode
from asr.text.normalize import Rule

NAMED = 5  # files that a note lists
SUFFIX = ".txt"  # in capitals too


@dataclass
class Transcripts:
    """What a folder of transcripts holds.

    Attributes:
        texts: normalised text by relative path without ``.txt``. An empty transcript
            counts as none: it cannot be told from a forgotten one.
        problems: what is wrong with a file, by its place in the user's folder.
        notes: a line each about what was assumed or passed over.
    """

    texts: dict[PurePath, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_transcripts(folder: Path, normalize: Rule) -> Transcripts:
    """Read the ``.txt`` files below a folder, which need not be there."""
    read = Transcripts()
    if os.path.lexists(folder) and not folder.is_dir():
        problem = where_to(folder) if folder.is_symlink() else "is not a folder"
        read.problems[f"{shown(folder.name)}/"] = problem
        return read
    listing = list_files(folder)
    taken: dict[str, PurePath] = {}
    assumed: dict[str, list[str]] = defaultdict(list)
    others = []
    for path in listing.files:
        relative = PurePath(path.relative_to(folder))
        if path.suffix.lower() != SUFFIX:
            others.append(shown(relative))
            continue
        place = shown(path.relative_to(folder.parent))
        try:
            content, encoding = decode(path.read_bytes())
        except EncodingError as error:
            read.problems[place] = str(error)
            continue
        except OSError as error:
            read.problems[place] = f"cannot be read ({error.strerror})"
            continue
        if encoding:
            assumed[encoding].append(shown(relative))
        text = normalize(content)
        name = relative.with_name(relative.name[: -len(SUFFIX)])
        first = taken.setdefault(plain(str(name)), name)
        if text and read.texts.setdefault(first, text) != text:
            read.problems[place] = (
                "says something else than another transcript of the same name, which "
                "is taken; leave one of them"
            )
    for path, problem in listing.problems.items():
        read.problems[shown(path.relative_to(folder.parent))] = problem
    for encoding, names in assumed.items():
        read.notes.append(f"transcripts read as {encoding}: {_some(names)}")
    if others:
        read.notes.append(
            f"transcripts are {SUFFIX} files, others passed over: {_some(others)}"
        )
    return read


@dataclass(frozen=True)
class Paired:
    """What is said of files, by their ids.

    Attributes:
        found: by id.
        unknown: places that name no file, or several in different folders.
        second: place -> id of a file of which something else is said more exactly.
    """

    found: dict[str, str]
    unknown: list[str]
    second: dict[str, str]


def match_transcripts(
    texts: Mapping[PurePath, str], names: Mapping[PurePath, Name]
) -> tuple[dict[str, str], list[str]]:
    """Give every audio file its transcript.

    ``transcriptions/a.txt`` belongs to the file whose id is ``a``; else, as
    ``transcriptions/sub/a.txt``, to ``audio/sub/a.*``; else to all files called ``a``
    if they lie in one folder; else to what is called so but for capitals.

    Returns:
        Id -> text, and notes on transcripts that are nobody's.
    """
    paired = pair(texts, names)
    notes = []
    if paired.unknown:
        notes.append(
            f"{len(paired.unknown)} transcripts without audio of that name (or with "
            f"several, in different folders): {_some(paired.unknown)}"
        )
    notes += [
        f"transcript {place} is not used: {id_} has another one of its own"
        for place, id_ in paired.second.items()
    ]
    return paired.found, notes


def pair(said: Mapping[PurePath, str], names: Mapping[PurePath, Name]) -> Paired:
    """Give every audio file what is said of it, by id or place, as transcripts are."""
    found: dict[str, str] = {}
    second: dict[str, str] = {}
    rest = dict(said)
    for index, spelling in _indices(names):  # the most exact first: it is not replaced
        for place in list(rest):
            ids = index.get(spelling(place), [])
            new = [id_ for id_ in ids if id_ not in found]
            found |= dict.fromkeys(new, rest[place])
            if ids and not new and found[ids[0]] != rest[place]:
                second[plain(str(place))] = ids[0]
            if ids:
                del rest[place]
    return Paired(found, sorted(plain(str(place)) for place in rest), second)


def _indices(
    names: Mapping[PurePath, Name],
) -> Iterator[tuple[dict[str, list[str]], Callable[[PurePath], str]]]:
    """Ids by what their transcripts may be called; and how that is spelled."""
    by_id: dict[str, list[str]] = {}
    by_place: dict[str, list[str]] = defaultdict(list)
    by_stem: dict[str, list[PurePath]] = defaultdict(list)
    by_letters: dict[str, list[str]] = defaultdict(list)
    for path, name in names.items():
        by_id[name.id] = by_id[plain(name.file)] = [name.id]
        by_place[plain(str(path))].append(name.id)
        by_place[plain(str(path.with_suffix("")))].append(name.id)
        by_stem[plain(path.stem)].append(path)
        for letters in {_letters(name.id), _letters(str(path.with_suffix("")))}:
            by_letters[letters].append(name.id)
    yield by_id, lambda place: plain(str(place))
    yield by_place, lambda place: plain(str(place))
    of_one_folder = {
        stem: [names[path].id for path in paths]
        for stem, paths in by_stem.items()
        if len({path.parent for path in paths}) == 1
    }
    yield of_one_folder, lambda place: plain(place.name)
    of_one_file = {key: ids for key, ids in by_letters.items() if len(ids) == 1}
    yield of_one_file, lambda place: _letters(str(place))


def plain(text: str) -> str:
    """Spelling that does not depend on how accents are stored."""
    return unicodedata.normalize("NFC", shown(text))


def _letters(text: str) -> str:
    """Spelling that does not depend on capitals either."""
    return plain(text).casefold()


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
