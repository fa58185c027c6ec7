"""``train_lm`` and ``rescore`` on a toy world, as their scripts call them."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from asr.__main__ import main
from asr.bin.decode import run_methods
from asr.bin.search import method_options
from asr.decode.methods import METHODS
from asr.decode.nbest_file import read_nbest
from asr.job import RESCORED, RESCORED_LISTS
from asr.options import build_parser, make_job
from asr.score.calc_metrics import score
from asr.score.transcripts import read_texts

SETTINGS = (
    "tokenizer.kind=char lm.order=2 log.wandb=off decode.nbest=5 rescore.nbest=20 "
    "neural_lm.dim=16 neural_lm.num_layers=1 neural_lm.num_heads=2 neural_lm.ff_dim=32 "
    "neural_lm.batch_tokens=256 neural_lm.max_epochs=3 neural_lm.precision=float32 "
    "rescore.lm_weights=[0.5,1.0] rescore.word_scores=[0.0,1.0] "
    "rescore.neural_shares=[0.0,0.5,1.0]"
)


@pytest.fixture
def folders(tmp_path: Path, world: dict[str, Any]) -> list[str]:
    """What stages 3, 4, 7 and 8 leave, as far as the two commands look at it."""
    torch.set_num_threads(1)
    data, exp = tmp_path / "data", tmp_path / "exp"
    shutil.copytree(world["dir"], data / "lang_char")
    (data / "lm").mkdir()
    shutil.copy(world["dir"] / "arpa", data / "lm" / "2gram.arpa")
    (data / "lm" / "train.txt").write_text("ONE\n" * 5 + "ONE NO ON NEON\n" * 20)
    (data / "manifests").mkdir()
    with gzip.open(data / "manifests" / "dev_cuts.jsonl.gz", "wt") as file:
        for id_, text in world["refs"].items():
            cut = {"id": id_, "supervisions": [{"text": text}]}
            file.write(json.dumps(cut) + "\n")
    for name in ("dev", "test"):
        (exp / f"decode_{name}").mkdir(parents=True)
        shutil.copy(world["h5"], exp / f"decode_{name}" / "log_probs.h5")
    lines = [f"{id_} {text}\n" for id_, text in world["refs"].items()]
    (exp / "decode_test" / "ref").write_text("".join(lines))
    (exp / "decode.yaml").write_text("lm_weight: 0.5\nword_score: 1.0\n")
    options = ["--data-dir", str(data), "--exp-dir", str(exp), "--set", SETTINGS]
    return ["--corpus", "synth", *options]


def test_train_and_rescore(
    tmp_path: Path,
    folders: list[str],
    world: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["train_lm", *folders]) == 0
    said = capsys.readouterr().out
    assert "dev perplexity" in said and "n-gram on the same sentences" in said
    lm = tmp_path / "data" / "neural_lm_char"
    before = (lm / "lm.pt").read_bytes()
    assert main(["train_lm", *folders]) == 0  # nothing left to train
    assert (lm / "lm.pt").read_bytes() == before
    assert main(["rescore", *folders]) == 0
    said = capsys.readouterr().out
    assert "dev WER (%) of rescoring" in said and "\nrescored  " in said
    test = tmp_path / "exp" / "decode_test"
    (row,) = (test / "results.tsv").read_text().splitlines()[1:]
    assert row.startswith("rescored\t")
    chosen = yaml.safe_load((tmp_path / "exp" / "rescore.yaml").read_text())
    assert chosen["neural_share"] in (0.0, 0.5, 1.0) and chosen["tuned_on"] == "dev"
    hyps = read_texts(test / "rescored" / "text")
    assert set(hyps) == set(world["refs"])
    lists = {n.id: n.texts for n in read_nbest(test / "nbest-lists/nbest.jsonl", 20)}
    assert max(map(len, lists.values())) > 5
    assert all(text in lists[id_] for id_, text in hyps.items())
    # Test is dev here, and the search's own scales are in the grid.
    searched = {id_: texts[0] for id_, texts in lists.items()}
    errors = [score(world["refs"], found).wer.errors for found in (hyps, searched)]
    assert errors[0] <= errors[1]
    first = json.loads((test / "rescored/nbest.jsonl").read_text().splitlines()[0])
    assert first["nbest"][0]["neural_score"] < 0


def test_stage_8_keeps_only_what_fits_its_scales(
    tmp_path: Path, folders: list[str]
) -> None:
    assert main(["train_lm", *folders]) == 0
    assert main(["rescore", *folders]) == 0
    test = tmp_path / "exp" / "decode_test"
    made = [test / RESCORED, test / RESCORED_LISTS]
    job = make_job(build_parser(["rescore"]).parse_args(["rescore", *folders]), 8)
    run_methods(job, (), test, method_options(job, METHODS))
    assert all(folder.is_dir() for folder in made)
    (tmp_path / "exp" / "decode.yaml").write_text("lm_weight: 0.6\nword_score: 1.0\n")
    run_methods(job, (), test, method_options(job, METHODS))
    assert not any(folder.exists() for folder in made)


def test_what_is_missing_is_one_clear_line(
    tmp_path: Path, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rescore", *folders]) == 1
    assert "run local/train_lm.sh first" in capsys.readouterr().err
    (tmp_path / "data" / "lm" / "train.txt").unlink()
    assert main(["train_lm", *folders]) == 1
    assert "run the lm stage (4)" in capsys.readouterr().err
