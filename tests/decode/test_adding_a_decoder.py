"""docs/adding_a_decoder.md: its code and its changes, applied to a copy of the recipe."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from asr.config_load import ROOT
from asr.decode.beam import PrefixBeamSearch
from asr.decode.log_probs import read_log_probs

PAGE = (ROOT / "docs" / "adding_a_decoder.md").read_text(encoding="utf-8")
FILE = re.compile(r"<!-- file: (\S+) -->\n```python\n(.*?)```", re.DOTALL)
DIFF = re.compile(r"```diff\n(.*?)```", re.DOTALL)

# Stage 7's choice and stage 8's output by the new name, as the stages call them.
RUN = """
import json, sys
from pathlib import Path
from asr.config_load import ROOT, load_config
from asr.decode.matrix import decode_set
from asr.decode.methods import METHODS, SearchOptions
from asr.decode.tune import DevSet, refined, tune_method
from asr.job import DECODERS, WITHOUT_LEXICON

if __name__ == "__main__":
    assert METHODS == DECODERS and "beam-length" in WITHOUT_LEXICON
    folder, out, refs = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    tune = load_config(ROOT / "egs" / "an4", "conformer", []).tune
    options = tune_method(
        "beam-length",
        DevSet(folder / "log_probs.h5", refs, 1000.0),
        {"token_score": refined(tune.token_scores, 1)},
        lang_dir=folder, lm=None, options=SearchOptions(), nj=1,
    )
    decoded = decode_set(
        "beam-length", folder / "log_probs.h5", folder, None,
        SearchOptions(token_score=2.5),
    )
    texts = {id_: hyps[0].text for id_, hyps in decoded.nbest.items()}
    (out / "texts.json").write_text(json.dumps(texts))
    print("chosen", options.token_score)
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the recipe with what the page says."""
    root = tmp_path_factory.mktemp("recipe")
    without = shutil.ignore_patterns(
        "pretrained", "audio"
    )  # what numba compiled is taken
    for name in ("asr", "conf", "egs", "utils"):
        shutil.copytree(ROOT / name, root / name, ignore=without)
    shutil.copy(ROOT / "run.sh", root)
    for name, code in FILE.findall(PAGE):
        assert not (root / name).exists()
        (root / name).write_text(code, encoding="utf-8")
    (diff,) = DIFF.findall(PAGE)
    subprocess.run(["git", "apply", "-"], cwd=root, input=diff, text=True, check=True)
    return root


def test_the_example_is_tuned_and_decodes(
    recipe: Path, world: dict[str, Any], tmp_path: Path
) -> None:
    script = tmp_path / "run.py"
    script.write_text(RUN)
    done = subprocess.run(
        [sys.executable, script, world["dir"], tmp_path, json.dumps(world["refs"])],
        env={"PYTHONPATH": str(recipe), "OMP_NUM_THREADS": "1", "PATH": os.defpath},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "dev WER (%) of beam-length by token_score" in done.stdout
    chosen = float(done.stdout.split("chosen")[1])
    assert 0 <= chosen <= 2
    assert json.loads((tmp_path / "texts.json").read_text()) == {
        u.id: best_text(world, u.log_probs, 2.5) for u in read_log_probs(world["h5"])
    }


def best_text(world: dict[str, Any], log_probs: Any, token_score: float) -> str:
    """The best of the plain beam's hypotheses, the bonus added here."""
    found = PrefixBeamSearch(world["t"].tokens, nbest=32)(log_probs)
    return max(found, key=lambda h: h.am_score + token_score * len(h.tokens)).text


def test_the_command_line_knows_the_example(recipe: Path) -> None:
    said = subprocess.run(
        [recipe / "run.sh", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "of greedy, beam, beam-length, beam-lm" in said
