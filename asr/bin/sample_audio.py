"""``sample_audio``: a folder of recordings to try ``--test-dir`` with."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from asr.data.sample_audio import SENTENCES, write_sample
from asr.errors import UsageError


def run(arguments: Sequence[str]) -> int:
    """Write the folder, unless it is there.

    Raises:
        UsageError: something else is there.
    """
    parser = argparse.ArgumentParser(
        prog="utils/sample_audio.sh", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("dir", type=Path, help="folder to make")
    folder = parser.parse_args(arguments).dir
    audio = sorted(folder.glob("audio/sample-*"))
    if folder.exists() and len(audio) != len(SENTENCES):
        raise UsageError(
            f"{folder}: is there, and not this sample; name another folder"
        )
    if not folder.exists():
        write_sample(folder)
    print(f"{folder}: {len(SENTENCES)} files, {len(SENTENCES) - 1} transcripts")
    return 0
