"""Files and folders that somebody shares on Google Drive, by gdown."""

import importlib
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from asr.errors import RecipeError

HOSTS = ("drive.google.com", "docs.google.com", "drive.usercontent.google.com")
PATTERNS = (r"/folders/([\w-]+)", r"/d/([\w-]+)", r"[?&]id=([\w-]+)")

Install = Callable[[Path], None]


def is_drive(link: str) -> bool:
    """Whether a link leads to Google Drive."""
    return urllib.parse.urlsplit(link).hostname in HOSTS


def fetch_from_drive(
    link: str, folder: Path, requirements: Path, install: Install | None = None
) -> None:
    """Download what ``link`` names into ``folder``: a file, or a folder's content.

    Args:
        requirements: pip's file that brings gdown, installed where it is not there.
        install: how that is done; default: by pip.

    Raises:
        RecipeError: not such a link, or not to be had.
    """
    found = next((m for p in PATTERNS if (m := re.search(p, link))), None)
    if found is None:
        raise RecipeError(
            f"{link}: names no file and no folder; in Drive take Share, Copy link"
        )
    gdown = _gdown(requirements, install or pip_install)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if "/folders/" in found[0]:
            done = gdown.download_folder(id=found[1], output=str(folder))
        else:
            # With a separator at its end it is a folder, and the name is Drive's.
            done = gdown.download(id=found[1], output=str(folder) + os.sep)
    # gdown's own exceptions have changed their names, and requests' come through it.
    except Exception as error:
        raise _refused(link, str(error) or type(error).__name__) from error
    if not done:
        raise _refused(link, "nothing came")


def pip_install(requirements: Path) -> None:
    """Install into this environment.

    Raises:
        RecipeError: pip could not.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "-r"]
    if subprocess.run([*command, str(requirements)], check=False).returncode:
        raise RecipeError(
            f"gdown could not be installed (pip's reason is above); install what "
            f"{requirements} names, or download the files by hand and give their folder"
        )


def _gdown(requirements: Path, install: Install) -> ModuleType:
    try:
        return importlib.import_module("gdown")
    except ModuleNotFoundError:
        print("installing gdown, which fetches from Google Drive", flush=True)
    install(requirements)
    importlib.invalidate_caches()
    return importlib.import_module("gdown")


def _refused(link: str, reason: str) -> RecipeError:
    lines = [line.strip() for line in reason.splitlines() if line.strip()]
    return RecipeError(
        f"{link}: not to be had from Google Drive ({' '.join(lines)[:300]}); it must be "
        "shared with anyone who has the link, or download it by hand and give its folder"
    )
