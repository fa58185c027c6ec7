"""Which of the user's folders a decode folder belongs to."""

import os
from pathlib import Path

from asr.atomic import atomic_path
from asr.errors import UsageError
from asr.job import Job

OWNER = "source"  # file with the absolute path of the user's folder


def check_owner(job: Job) -> None:
    """Raise unless results of ``--test-dir`` may go where its name says.

    Raises:
        UsageError: another folder of the same name has its results there.
    """
    if job.test_dir is None:
        return
    folder, wanted = job.paths.decode_dir(job.decode_sets[0]), job.test_dir.resolve()
    owner = read_owner(folder) or wanted
    if owner != wanted and owner.is_dir():
        raise UsageError(
            f"--test-dir {job.test_dir}: {folder} holds the results of {owner}; remove "
            "it, or give this folder another name"
        )


def claim(job: Job) -> None:
    """Note whose results the decode folder will hold."""
    if job.test_dir is not None:
        folder = job.paths.decode_dir(job.decode_sets[0])
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / OWNER) as partial:
            partial.write_bytes(os.fsencode(job.test_dir.resolve()) + b"\n")


def read_owner(folder: Path) -> Path | None:
    """The user's folder whose results lie here, if they are a user's."""
    path = folder / OWNER
    if not path.is_file():
        return None
    return Path(os.fsdecode(path.read_bytes().removesuffix(b"\n")))
