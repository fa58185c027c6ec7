"""The transcripts in a user's folder, and whose they are."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from asr.data.user_names import Name
from asr.text.normalize import Rule

NAMED = 5  # transcripts that a note lists


def read_transcripts(
    folder: Path, normalize: Rule
) -> tuple[dict[PurePath, str], dict[str, str]]:
    """Read the ``.txt`` files below a folder.

    Returns:
        Relative path without ``.txt`` -> normalised text, and file -> problem. An empty
        transcript counts as none: it cannot be told from a forgotten one.
    """
    texts: dict[PurePath, str] = {}
    problems: dict[str, str] = {}
    for path in sorted(folder.rglob("*.txt"), key=os.fsencode):
        if path.name.startswith("."):
            continue
        relative = path.relative_to(folder)
        place = os.fsencode(path.relative_to(folder.parent))
        try:
            text = normalize(path.read_text(encoding="utf-8-sig"))
        except (UnicodeDecodeError, OSError) as error:
            reason = getattr(error, "reason", None)
            problems[place.decode("utf-8", "backslashreplace")] = (
                f"is not UTF-8 text ({reason}); save it as such"
                if reason
                else f"cannot be read ({getattr(error, 'strerror', None)})"
            )
            continue
        if text:
            texts[relative.with_name(relative.name.removesuffix(".txt"))] = text
    return texts, problems


def match_transcripts(
    texts: Mapping[PurePath, str], names: Mapping[PurePath, Name]
) -> tuple[dict[str, str], list[str]]:
    """Give every audio file its transcript.

    ``transcriptions/a.txt`` belongs to the file whose id is ``a``; else, as
    ``transcriptions/sub/a.txt``, to ``audio/sub/a.*``; else to all files called ``a``
    if they lie in one folder.

    Returns:
        Id -> text, and notes on transcripts that are nobody's.
    """
    found, rest = pair(texts, names)
    return found, _note(rest)


def pair(
    said: Mapping[PurePath, str], names: Mapping[PurePath, Name]
) -> tuple[dict[str, str], list[str]]:
    """Give every audio file what is said of it, by id or place, as transcripts are.

    Returns:
        Id -> what is said, and the places that are nobody's.
    """
    found: dict[str, str] = {}
    rest = dict(said)
    for index, whole in _indices(names):  # the most exact first: it is not replaced
        for place in list(rest):
            ids = index.get(_plain(str(place) if whole else place.name), [])
            found |= {id_: rest[place] for id_ in ids if id_ not in found}
            if ids:
                del rest[place]
    return found, sorted(_plain(str(place)) for place in rest)


def _indices(
    names: Mapping[PurePath, Name],
) -> Iterator[tuple[dict[str, list[str]], bool]]:
    """Ids by what their transcripts may be called; and whether that has folders."""
    by_id: dict[str, list[str]] = {}
    by_place: dict[str, list[str]] = defaultdict(list)
    by_stem: dict[str, list[PurePath]] = defaultdict(list)
    for path, name in names.items():
        by_id[name.id] = by_id[_plain(name.file)] = [name.id]
        by_place[_plain(str(path))].append(name.id)
        by_place[_plain(str(path.with_suffix("")))].append(name.id)
        by_stem[_plain(path.stem)].append(path)
    yield by_id, True
    yield by_place, True
    of_one_folder = {
        stem: [names[path].id for path in paths]
        for stem, paths in by_stem.items()
        if len({path.parent for path in paths}) == 1
    }
    yield of_one_folder, False


def _plain(text: str) -> str:
    """Spelling that does not depend on how accents are stored."""
    decoded = os.fsencode(text).decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", decoded)


def _note(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return [
        f"{len(names)} transcripts without audio of that name (or with several, in "
        f"different folders): {', '.join(names[:NAMED])}{more}"
    ]
