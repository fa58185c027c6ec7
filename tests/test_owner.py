"""Folders of the same name, and a folder that is called like the corpus's own sets."""

import os
from pathlib import Path

import pytest

from asr.errors import UsageError
from asr.job import Job
from asr.options import build_parser, make_job
from asr.owner import claim, read_owner


def job(folder: Path, exp: Path) -> Job:
    folder.mkdir(parents=True, exist_ok=True)
    exp.mkdir(exist_ok=True)
    (exp / "averaged.pt").touch()  # a model was trained there
    options = ["decode", "--corpus", "an4", "--exp-dir", str(exp)]
    parsed = build_parser().parse_args([*options, "--test-dir", str(folder)])
    return make_job(parsed, 8)


def test_a_second_folder_of_the_same_name_is_refused(tmp_path: Path) -> None:
    first, second = tmp_path / "a/mine", tmp_path / "b/mine"
    claim(job(first, tmp_path / "exp"))
    job(first, tmp_path / "exp")
    with pytest.raises(UsageError, match=f"holds the results of {first}"):
        job(second, tmp_path / "exp")
    first.rmdir()  # or moved away: then nobody needs its results
    job(second, tmp_path / "exp")


@pytest.mark.parametrize(
    "name", ["mine ", "line\nend\n", "e\u0301", os.fsdecode(b"\xff")]
)
def test_a_folder_of_any_name_is_known_again(tmp_path: Path, name: str) -> None:
    mine = job(tmp_path / "a" / name, tmp_path / "exp")
    claim(mine)
    folder = mine.paths.decode_dir(mine.decode_sets[0])
    assert read_owner(folder) == tmp_path / "a" / name
    assert folder.name.split() == [folder.name] and folder.name.encode()
    with pytest.raises(UsageError, match="holds the results of"):
        job(tmp_path / "b" / name, tmp_path / "exp")


@pytest.mark.parametrize("name", ["test", "dev", "train"])
def test_names_of_the_corpus_stay_its_own(tmp_path: Path, name: str) -> None:
    assert job(tmp_path / name, tmp_path / "exp").decode_sets == (f"user_{name}",)
    assert job(tmp_path / "mine", tmp_path / "exp").decode_sets == ("mine",)
