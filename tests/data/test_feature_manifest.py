"""Extracted features as lhotse and the training find them."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lhotse import CutSet

from asr.data.extract import extract_split
from asr.data.fbank import compute, load_cut
from asr.data.jsonl import read_cuts
from asr.data.shard_reader import ShardReader
from tests.data.features import SETTINGS


def test_plain_lhotse_reads_them(cuts: CutSet, tmp_path: Path) -> None:
    extract_split(cuts, "train", tmp_path / "fbank", SETTINGS, nj=1)
    program = (
        "import sys, lhotse; cuts = lhotse.load_manifest(sys.argv[1]);"
        "lhotse.validate(cuts, read_data=True);"
        "print(sum(c.load_features().shape[0] for c in cuts))"
    )
    path = tmp_path / "fbank/train_cuts.jsonl.gz"
    result = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        cwd=tmp_path,  # where our package cannot be imported
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) == sum(round(cut.duration * 100) for cut in cuts)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_both_readers_agree(cuts: CutSet, tmp_path: Path, dtype: str) -> None:
    settings = replace(SETTINGS, dtype=dtype)
    extract_split(cuts, "train", tmp_path / "fbank", settings, nj=1)
    reader = ShardReader(tmp_path / "fbank/train_index.tsv")
    for cut in read_cuts(tmp_path / "fbank/train_cuts.jsonl.gz"):
        features = cut.load_features()
        assert features.dtype == dtype
        assert reader.read(cut.id).dtype == np.float32
        assert np.array_equal(features.astype(np.float32), reader.read(cut.id))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in extraction: the number changes the last bits
    exact = compute(load_cut(next(iter(cuts)), 16000), 16000, 80)
    torch.set_num_threads(threads)
    error = np.abs(reader.read("a-0") - exact).max()
    assert error == 0 if dtype == "float32" else 0 < error < 0.01
