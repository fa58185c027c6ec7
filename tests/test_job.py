"""Which n-gram file the decoders load."""

from pathlib import Path

import pytest

from asr.config_load import ROOT, load_config
from asr.job import Job, Paths

MIB = 2**20


@pytest.mark.parametrize(
    ("kind", "size", "ending"),
    [
        ("bpe", 19 * MIB, ".arpa"),
        ("bpe", 21 * MIB, ".bin"),
        ("phone", 21 * MIB, ".arpa"),
        ("phone", 201 * MIB, ".bin"),
    ],
)
def test_an_arpa_file_where_it_is_worth_its_loading(
    tmp_path: Path, kind: str, size: int, ending: str
) -> None:
    corpus_dir = ROOT / "egs" / "an4"
    config = load_config(corpus_dir, "conformer", [f"tokenizer.kind={kind}"])
    job = Job(config, Paths(tmp_path, tmp_path, tmp_path), corpus_dir, 1, None, ())
    arpa = job.paths.arpa(config.lm.order)
    arpa.parent.mkdir()
    with open(arpa, "wb") as file:
        file.truncate(size)  # takes no room on the disk
    assert job.lm_file == arpa  # no binary is there
    job.paths.lm_binary(config.lm.order).touch()
    assert job.lm_file.suffix == ending
