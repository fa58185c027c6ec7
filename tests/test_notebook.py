"""demo.ipynb, executed for real: with a packed local folder as the user's link."""

import base64
import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from asr.data.sample_audio import SENTENCES, write_sample
from asr.model_dir import BUNDLED, MANIFEST
from tests.untrained_model import make_untrained_model
from tests.utils.shell import ROOT

NOTEBOOK = ROOT / "demo.ipynb"
OWN_FILES = 3  # of the folder that the link leads to

Cell = Any  # nbformat has no types


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def with_values(notebook: Any, **values: object) -> Any:
    """The notebook with other values of its variables, each of which it must have."""
    for name, value in values.items():
        pattern = rf"^{name} = .*$"
        cells = [c for c in notebook.cells if re.search(pattern, c.source, re.M)]
        assert len(cells) == 1, f"{name} is to be set in one place"
        cells[0].source = re.sub(
            pattern,
            lambda _, v=value, n=name: f"{n} = {v!r}",
            cells[0].source,
            flags=re.M,
        )
    return notebook


def strict(notebook: Any) -> Any:
    """The notebook, where a command that fails is an error of its cell."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = re.sub(
                r"^( *)!(.*)$",
                lambda m: f"{m[0]}\n{m[1]}assert _exit_code == 0, {m[2]!r}",
                cell.source,
                flags=re.M,
            )
    return notebook


DECODERS = ("greedy", "beam", "beam-lm", "hlg")  # of part 1


def execute(notebook: Any, folder: Path, seconds: int = 1200) -> Any:
    client = NotebookClient(
        notebook,
        timeout=seconds,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute()


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of Jupyter's is read from, or left in, the home folder."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter" / name))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter" / "runtime"))


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    """The whole notebook after its run, and the folder that it wrote."""
    folder = tmp_path_factory.mktemp("notebook")
    write_sample(folder / "source" / "my recordings")
    for number in range(OWN_FILES + 1, len(SENTENCES) + 1):
        for path in (folder / "source").rglob(f"sample-{number}.*"):
            path.unlink()
    link = shutil.make_archive(str(folder / "mine"), "zip", folder / "source")
    values: dict[str, object] = {"WORK": str(folder / "work"), "LINK": link}
    if not (BUNDLED / MANIFEST).is_file():
        texts = [text.upper() for _, text in SENTENCES]
        values["MODEL_DIR"] = str(make_untrained_model(folder / "made", texts))
    notebook = strict(with_values(read(), **values))
    yield execute(notebook, ROOT), folder / "work"


def printed(cell: Cell) -> str:
    return "".join(o.text for o in cell.outputs if o.output_type == "stream")


def shown(cell: Cell) -> list[np.ndarray]:
    """The pictures under a cell, (height, width, 3)."""
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
        for output in cell.outputs
        if (data := output.get("data", {}).get("image/png"))
    ]


def with_command(notebook: Any, command: str) -> Cell:
    """The one cell that has a command."""
    cells = [c for c in notebook.cells if c.cell_type == "code" and command in c.source]
    assert len(cells) == 1, command
    return cells[0]


def test_no_cell_has_an_error(executed: tuple[Any, Path]) -> None:
    notebook, _ = executed
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        assert not [o for o in cell.outputs if o.output_type == "error"]
        assert "Traceback" not in printed(cell) and "\nerror:" not in printed(cell)


@pytest.mark.parametrize(
    ("name", "files", "words"),
    [
        ("sample", len(SENTENCES), sum(len(t.split()) for _, t in SENTENCES[:-1])),
        ("mydata", OWN_FILES, sum(len(t.split()) for _, t in SENTENCES[:OWN_FILES])),
    ],
)
def test_every_file_has_its_text_and_the_error_rate_is_printed(
    executed: tuple[Any, Path], name: str, files: int, words: int
) -> None:
    notebook, work = executed
    folder = work / "pretrained" / f"decode_{name}"
    expected = [f"sample-{n}.txt" for n in range(1, files + 1)]
    for method in DECODERS:
        predictions = (folder / method / "predictions").iterdir()
        assert sorted(path.name for path in predictions) == expected
    said = printed(with_command(notebook, f"--test-dir {{WORK}}/{name} {{USE}}\n"))
    tables = [folder / "results.tsv", folder / "results_phones.tsv"]
    rows = [
        row.split("\t")
        for table in tables
        if table.is_file()  # the second where the model's tokens are phones
        for row in table.read_text().splitlines()[1:]
    ]
    assert sorted(row[0] for row in rows) == sorted(DECODERS)
    for method, rate, *_ in rows:
        assert re.search(rf"{method} .*{rate}", said)
    for method in ("beam-lm", "hlg"):
        assert f" / {words}, " in (folder / method / "wer").read_text()


def test_the_pictures_are_there(executed: tuple[Any, Path]) -> None:
    notebook, work = executed
    for name in ("spectrogram", "emissions", "nbest", "words"):
        (picture,) = shown(with_command(notebook, f"{{WORK}}/pictures/{name}.png"))
        height, width, _ = picture.shape
        assert height >= 200 and width >= 400 and picture.std() > 10, name
        assert (work / "pictures" / f"{name}.png").is_file()
    for path in ("my_pictures/words", "new_pictures/emissions", "exp/log/curves"):
        (picture,) = shown(with_command(notebook, f"{{WORK}}/{path}.png"))
        assert picture.std() > 10


def test_the_ten_stages_have_shown_what_they_wrote(executed: tuple[Any, Path]) -> None:
    notebook, work = executed
    looks = {
        "download": "wav\t",
        "manifests": '"supervisions"',
        "fbank": "shard-0000.h5",
        "tokenizer": "<blk> 0,<unk> 1",
        "lm": "ngram 1=",
        "graph": " ▁ ",
        "train": "epoch 2",
        "tune": "lm_weight:",
        "decode": "/hlg/text <==",
        "score": "%WER ",
    }
    for stage, text in looks.items():
        said = printed(with_command(notebook, f"!local/{stage}.sh"))
        assert text in said, f"{stage}: {said}"
        assert "already done" not in said
    table = (work / "exp" / "decode_test" / "results.tsv").read_text()
    assert [row.split("\t")[0] for row in table.splitlines()[1:]] == [
        "greedy",
        "beam",
        "beam-lm",
        "hlg",
    ]


def test_outside_of_a_checkout_it_gets_one(tmp_path: Path) -> None:
    """The cells up to the installer, with a repository of a few files."""
    source, empty = tmp_path / "source", tmp_path / "empty"
    (source / "asr").mkdir(parents=True)
    empty.mkdir()
    for path in (source / "run.sh", source / "asr" / "__init__.py"):
        path.write_text("")
    git = ["git", "-C", str(source), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    notebook = with_values(read(), REPO_URL=str(source))
    end = notebook.cells.index(with_command(notebook, "!utils/install.sh"))
    notebook.cells = notebook.cells[:end]
    done = execute(strict(notebook), empty, seconds=60)
    place = printed(with_command(done, "git clone")).splitlines()[-1]
    assert place == str(empty / "asr-recipe")
    assert (empty / "asr-recipe" / "exp" / "demo").is_dir()


def test_it_is_kept_without_outputs_and_only_calls_commands() -> None:
    notebook = read()
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None
            assert not re.search(r"^\s*(def|class|import asr|from asr)\b", cell.source)
            assert len(cell.source.splitlines()) <= 12
    link = next(c for c in notebook.cells if c.source.startswith("LINK = "))
    assert len(link.source.splitlines()) == 1
