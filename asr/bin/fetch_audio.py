"""``fetch_audio``: recordings from a link, as a folder for ``--test-dir``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from asr.config_load import ROOT
from asr.data.fetch_audio import fetch_audio
from asr.data.user_names import shown
from asr.data.user_transcripts import SUFFIX
from asr.folders import list_files, subfolder


def run(arguments: Sequence[str]) -> int:
    """Fetch, unpack and arrange; say what came and how to use it.

    Raises:
        RecipeError: it cannot be had, or holds no audio.
    """
    parser = argparse.ArgumentParser(
        prog="utils/fetch_audio.sh", description=__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "link",
        help="of a file or folder on Google Drive, of an archive on the web, or the "
        "path of a folder or archive",
    )
    parser.add_argument("dir", type=Path, help="folder to make")
    given = parser.parse_args(arguments)
    new = fetch_audio(given.link, given.dir, ROOT / "requirements-drive.txt")
    note = "" if new else " (already there; delete the folder to fetch it again)"
    told = list_files(subfolder(given.dir, "transcriptions")).files
    transcripts = sum(path.suffix.lower() == SUFFIX for path in told)
    files = len(list_files(given.dir).files) - transcripts
    print(f"{shown(given.dir)}: {files} files, {transcripts} transcripts{note}")
    print(f"recognise it with: ./run.sh --stage 8 --test-dir {shown(given.dir)}")
    return 0
