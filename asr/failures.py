"""The files of a user's folder that could not be used, kept until they can."""

import json
from collections.abc import Mapping
from pathlib import Path

from asr.atomic import write_text
from asr.errors import BadFilesError
from asr.job import Job


def write_failures(job: Job, failures: Mapping[str, str]) -> None:
    """Keep file -> problem beside the results."""
    content = json.dumps(dict(failures), indent=1, ensure_ascii=False)
    write_text(_path(job), content + "\n")


def check_failures(job: Job) -> None:
    """Name the files that could not be used, in this run or the one it repeats.

    Raises:
        BadFilesError: there are some.
    """
    path = _path(job)
    if job.test_dir is None or not path.is_file():
        return
    failures: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    for place, problem in failures.items():
        if place.lower().startswith(
            "transcriptions/"
        ):  # its recording is decoded all the same
            print(f"not scored: {place}: {problem}", flush=True)
        else:
            print(f"not decoded: {place}: {problem}", flush=True)
    if failures:
        raise BadFilesError(
            f"{len(failures)} files of {job.test_dir.name} could not be used (named "
            "above); all others are done"
        )


def _path(job: Job) -> Path:
    return job.paths.decode_dir(job.decode_sets[0]) / "failures.json"
