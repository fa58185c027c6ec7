"""What lies below a folder of somebody else's: links followed, nothing lost unseen."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# What file managers leave behind, beside hidden files.
JUNK = frozenset(("__macosx", "thumbs.db", "desktop.ini"))


@dataclass(frozen=True)
class Listing:
    """The files below a folder; hidden ones are left out.

    Attributes:
        files: in byte order.
        problems: what is wrong with links that lead nowhere, folders that cannot be
            read, and what is neither a file nor a folder.
        twice: linked folders that were met before, and where: each is listed once, and a
            link in a circle does not go round.
    """

    files: list[Path] = field(default_factory=list)
    problems: dict[Path, str] = field(default_factory=dict)
    twice: dict[Path, Path] = field(default_factory=dict)


def list_files(folder: Path) -> Listing:
    """List a folder; nothing where there is none.

    Linked folders come after all others, so that what is listed where does not depend
    on the order in which a disk holds them.
    """
    found = Listing()
    seen: dict[str, Path] = {}
    links = [folder] if os.path.isdir(folder) else []
    while links:
        further: list[Path] = []
        for link in sorted(links, key=os.fsencode):
            further += _list(link, found, seen)
        links = further
    found.files.sort(key=os.fsencode)
    return found


def is_hidden(name: str) -> bool:
    """Whether a file manager would not show a file, or has made it for itself."""
    return name.startswith(".") or name.lower() in JUNK


def subfolder(folder: Path, name: str) -> Path:
    """A folder in another one, by its name or else the only one in other capitals."""
    if not os.path.lexists(folder / name) and folder.is_dir():
        others = [p for p in folder.iterdir() if p.name.lower() == name and p.is_dir()]
        if len(others) == 1:
            return others[0]
    return folder / name


def where_to(link: Path) -> str:
    """What a link that leads nowhere names."""
    target = os.fsencode(os.readlink(link)).decode("utf-8", "backslashreplace")
    return f"a link to {target}, which is not there"


def _list(top: Path, found: Listing, seen: dict[str, Path]) -> Iterator[Path]:
    """Add what is below a folder without linked folders, which are given back."""
    stack = [(top, os.path.realpath(top))]
    while stack:
        folder, real = stack.pop()
        if real in seen:
            found.twice[folder] = seen[real]
            continue
        seen[real] = folder
        try:
            entries = [e for e in os.scandir(folder) if not is_hidden(e.name)]
        except OSError as error:
            found.problems[folder] = f"cannot be read ({error.strerror})"
            continue
        for entry in entries:
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                stack.append((path, os.path.join(real, entry.name)))
            elif os.path.isdir(path):
                yield path
            elif os.path.isfile(path):
                found.files.append(path)
            elif entry.is_symlink() and not os.path.exists(path):
                found.problems[path] = f"no such file ({where_to(path)})"
            else:
                found.problems[path] = "is neither a file nor a folder"
