"""run.sh: its options, and what it runs with them, with stages that only report."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from asr.job import DECODERS
from tests.utils.shell import ROOT, run, script

VERBS = "download manifests fbank tokenizer lm graph train tune decode score".split()


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """The real run.sh among stages that print their arguments, one a line."""
    root = tmp_path / "a recipe"
    script(root / "utils/install.sh", "echo install")
    (root / "asr").mkdir()
    shutil.copytree(ROOT / "conf", root / "conf")
    for name in ("run.sh", "utils/parse_options.sh", "asr/job.py"):
        shutil.copy(ROOT / name, root / name)
    for verb in VERBS:
        script(root / f"local/{verb}.sh", f"echo {verb}; printf '<%s>' \"$@\"; echo")
    for corpus in ("an4", "synth"):
        (root / "egs" / corpus).mkdir(parents=True)
        (root / "egs" / corpus / "corpus.yaml").touch()
    return root


def lines_run(output: str) -> list[str]:
    return [line for line in output.splitlines() if line in VERBS]


def test_runs_all_stages_in_order(recipe: Path) -> None:
    done = run(recipe / "run.sh")
    assert done.returncode == 0, done.stderr
    assert lines_run(done.stdout) == VERBS
    assert done.stdout.startswith("install\n# stage 0 download\n")


def test_forwards_every_option(recipe: Path) -> None:
    folder = recipe / "my audio"
    folder.mkdir()
    model = recipe / "a model"
    model.mkdir()
    (model / "manifest.json").touch()
    given = [
        ["--corpus", "an4"],
        ["--download-dir", "down load"],
        ["--nj", "3"],
        ["--model", "deepspeech2"],
        ["--exp-dir", "exp/x"],
        ["--data-dir", "d"],
        ["--test-dir", str(folder)],
        ["--channel", "2"],
        ["--model-dir", str(model)],
        ["--init-from", str(recipe / "run.sh")],
        ["--decoders", "greedy beam-lm"],
        ["--hotwords", str(recipe / "run.sh")],
        ["--write", "srt textgrid"],
        ["--set", "train.max_epochs=5 fbank.num_mel_bins=40"],
    ]
    flat = [part for pair in given for part in pair]
    done = run(recipe / "run.sh", *flat)
    assert done.returncode == 0, done.stderr
    assert lines_run(done.stdout) == ["decode", "score"]
    assert "".join(f"<{part}>" for part in flat) in done.stdout


def test_runs_the_stages_asked_for(recipe: Path) -> None:
    done = run(recipe / "run.sh", "--stage", "2", "--stop-stage", "4")
    assert lines_run(done.stdout) == ["fbank", "tokenizer", "lm"]


def test_a_failing_stage_ends_the_run_with_its_exit_code(recipe: Path) -> None:
    script(recipe / "local/fbank.sh", "exit 7")
    done = run(recipe / "run.sh")
    assert done.returncode == 7
    assert lines_run(done.stdout) == ["download", "manifests"]
    assert done.stderr.endswith("stage 2 (fbank) ended with exit code 7\n")


STAGE = f"""
import os, signal, sys, time
sys.path.insert(0, {str(ROOT)!r})
from asr.parent import end_with_run_sh
def save(number, frame):
    os.replace("began", "saved")
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
end_with_run_sh()
open("began", "w").write(str(os.getpid()))
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stage_ends_with_run_sh(recipe: Path, number: signal.Signals) -> None:
    (recipe / "stage.py").write_text(STAGE)
    script(recipe / "local/train.sh", f"exec '{sys.executable}' stage.py")
    whole = subprocess.Popen(["./run.sh"], cwd=recipe, stdout=subprocess.DEVNULL)
    wait_for((recipe / "began").exists)
    whole.send_signal(number)
    assert whole.wait() == -number
    wait_for((recipe / "saved").exists)


def test_a_stage_by_hand_outlives_its_shell(recipe: Path) -> None:
    (recipe / "stage.py").write_text(STAGE)
    script(recipe / "local/train.sh", f"exec '{sys.executable}' stage.py")
    with subprocess.Popen(
        ["bash", "-c", "local/train.sh & wait"], cwd=recipe, start_new_session=True
    ) as shell:
        wait_for((recipe / "began").exists)
        shell.kill()
    time.sleep(0.5)
    assert (recipe / "began").exists() and not (recipe / "saved").exists()
    os.kill(int((recipe / "began").read_text()), signal.SIGKILL)


def wait_for(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_bad_files_of_a_users_folder_do_not_keep_the_others_from_being_scored(
    recipe: Path,
) -> None:
    script(recipe / "local/decode.sh", "echo decode; exit 3")
    done = run(recipe / "run.sh", "--test-dir", recipe)
    assert lines_run(done.stdout) == ["decode", "score"]
    assert done.returncode == 3
    script(recipe / "local/score.sh", "exit 1")
    assert run(recipe / "run.sh", "--test-dir", recipe).returncode == 1
    script(recipe / "local/fbank.sh", "exit 3")
    assert lines_run(run(recipe / "run.sh").stdout) == ["download", "manifests"]


def test_export_runs_nothing_else(recipe: Path) -> None:
    script(recipe / "local/export.sh", "printf '<%s>' \"$@\"")
    done = run(recipe / "run.sh", "--corpus", "an4", "--export", "my model")
    assert done.returncode == 0 and lines_run(done.stdout) == []
    assert "<--corpus><an4>" in done.stdout
    assert done.stdout.endswith("<--out><my model>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stage", "10"], "--stage 10: a number from 0 to 9"),
        (["--stage", "-1"], "--stage -1: a number from 0 to 9"),
        (["--stop-stage", "x"], "--stop-stage x: a number from 0 to 9"),
        (["--stage", "5", "--stop-stage", "4"], "--stage 5 is after --stop-stage 4"),
        (["--nj", "0"], "--nj 0: a number from 1"),
        (["--nj", ""], "--nj : a number from 1"),
        (["--model", "recipe"], "--model recipe: of conformer, deepspeech2, tdnnf"),
        (["--model", ""], "--model is empty"),
        (["--model", "lstm"], "--model lstm: of conformer, deepspeech2, tdnnf"),
        (["--corpus", "timit"], "--corpus timit: there are an4 synth"),
        (["--corpus", "../egs/an4"], "--corpus ../egs/an4: there are an4 synth"),
        (["--decoders", "greedy viterbi"], "of greedy, beam, beam-lm, ctc, hlg"),
        (["--init-from", "nowhere"], "--init-from nowhere: no such file"),
        (["--hotwords", "nowhere"], "--hotwords nowhere: no such file"),
        (["--write", ""], "--write is empty"),
        (["--test-dir", "nowhere"], "--test-dir nowhere: no such folder"),
        (["--test-dir", ".", "--stop-stage", "7"], "--test-dir is for stages 8 and 9"),
        (["--test-dir", ""], "--test-dir is empty"),
        (["--exp-dir", ""], "--exp-dir is empty"),
        (["--model-dir", ""], "--model-dir is empty"),
        (["--model-dir", "."], "--channel and --model-dir are for --test-dir"),
        (["--model-dir", ".", "--test-dir", "."], "--model-dir .: no model folder"),
        (["--channel", "0", "--test-dir", "."], "--channel 0: a number from 1"),
        (["--channel", "1"], "--channel and --model-dir are for --test-dir"),
        (["--given-options", "1"], "unknown option --given-options"),
        (["--stage=3"], "write --name value, not --stage=3"),
        (["--epochs", "3"], "unknown option --epochs"),
        (["--root", "/tmp"], "unknown option --root"),
        (["synth"], "options are --name value, so what is 'synth'?"),
    ],
)
def test_a_wrong_option_ends_before_anything_runs(
    recipe: Path, arguments: list[str], message: str
) -> None:
    done = run("./run.sh", *arguments, cwd=recipe)
    first, usage = done.stderr.splitlines()
    assert message in first
    assert usage.startswith("Usage: ./run.sh [--stage N] [--stop-stage N]")
    assert (done.returncode, done.stdout) == (2, "")


def test_help_names_every_option(recipe: Path) -> None:
    done = run(recipe / "run.sh", "--help")
    assert done.returncode == 0
    names = "stage stop-stage corpus download-dir model exp-dir data-dir nj test-dir"
    names += " channel model-dir export"
    for name in (*names.split(), "init-from", "decoders", "hotwords", "write", "set"):
        assert f"\n  --{name} " in done.stdout


@pytest.mark.parametrize(("name", "limit"), [("run.sh", 150), ("path.sh", 15)])
def test_the_entry_stays_short(name: str, limit: int) -> None:
    assert len((ROOT / name).read_text().splitlines()) <= limit


def test_every_stage_has_its_script() -> None:
    for verb in VERBS:
        lines = (ROOT / f"local/{verb}.sh").read_text().splitlines()
        assert lines[-1] == f'exec python -m asr {verb} "$@"'


def test_the_decoders_are_those_of_the_registry(recipe: Path) -> None:
    names = run(recipe / "run.sh", "--decoders", "x").stderr.splitlines()[0]
    assert names.endswith(f"--decoders x: of {', '.join(DECODERS)}")
    job = recipe / "asr/job.py"
    several = ",\n    ".join(f'"{name}"' for name in (*DECODERS, "my-own"))
    start, rest = job.read_text().split("DECODERS = (", 1)
    job.write_text(f"{start}DECODERS = (\n    {several},\n){rest.split(')', 1)[1]}")
    assert run(recipe / "run.sh", "--decoders", "my-own").returncode == 0
    assert run(recipe / "run.sh", "--decoders", "own").returncode == 2


def copy_of_the_entry(folder: Path) -> Path:
    """run.sh, path.sh and all scripts, with an environment that only reports."""
    root = folder / "the recipe"
    for name in ("local", "utils", "conf"):
        shutil.copytree(ROOT / name, root / name)
    for name in ("run.sh", "path.sh", "asr/job.py", "egs/synth/corpus.yaml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    env = folder / "an env"
    script(env / "bin/python", 'echo "$ASR_ROOT|$PWD|$*"')
    script(root / "utils/install.sh", f'[ "$1" != --where ] || echo "{env}"')
    return root


SCRIPTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "run.sh", *ROOT.glob("local/*.sh"), *ROOT.glob("utils/*.sh"))
    if path.stem not in ("parse_options", "steps")
)
# These ask for the environment and run Python in it.
PYTHON_SCRIPTS = [
    name
    for name in SCRIPTS
    if "path.sh" in (ROOT / name).read_text() and "test" not in name
]


@pytest.mark.parametrize("name", ["run.sh", *PYTHON_SCRIPTS])
def test_scripts_are_started_from_anywhere_by_any_shell(
    tmp_path: Path, name: str
) -> None:
    """CDPATH, sh, another folder, a link, a name with blanks: the recipe finds itself."""
    root = copy_of_the_entry(tmp_path)
    away, links = tmp_path / "else where", tmp_path / "my bin"
    for folder in ("", "local", "utils", "conf", "egs"):  # what CDPATH would lead to
        (away / "cd path" / folder).mkdir(parents=True, exist_ok=True)
    links.mkdir()
    (links / "started").symlink_to(root / name)
    (tmp_path / "linked").symlink_to(root)
    arguments = ["--stage", "0", "--stop-stage", "0"] if name == "run.sh" else ["x"]
    variables = {"CDPATH": f"{away / 'cd path'}:{root.parent}", "POSIXLY_CORRECT": "1"}
    outputs = set()
    for where, command in (
        (root, [f"./{name}"]),
        (root, ["bash", name]),
        (root, ["sh", name]),
        (root.parent, ["sh", f"{root.name}/{name}"]),
        (root / "utils", ["bash", f"../{name}"]),
        (away, [root / name]),
        (away, [links / "started"]),
        (away, ["sh", links / "started"]),
        (away, ["dash", tmp_path / "linked" / name]),
    ):
        if shutil.which(str(command[0])) is None:
            continue
        done = run(*command, *arguments, cwd=where, **variables)
        assert (done.returncode, done.stderr) == (0, ""), (command, done.stderr)
        (line,) = [line for line in done.stdout.splitlines() if "|" in line]
        said_root, said_where, said = line.split("|")
        assert (said_root, said_where) == (str(root), str(where)), command
        outputs.add(said)
    assert len(outputs) == 1


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_goes_on_in_another_shell(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    first = next(line for line in lines if not line.startswith("#"))
    assert first == '[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"'


def test_path_sh_says_so_in_a_shell_that_it_is_not_for(tmp_path: Path) -> None:
    root = copy_of_the_entry(tmp_path)
    done = run("dash", "-c", ". ./path.sh; echo $?", cwd=root)
    assert done.stdout == "1\n" and done.stderr.count("\n") == 1
    assert "path.sh: this shell is not bash" in done.stderr
    sourced = '. "linked path.sh" && echo "$ASR_ROOT|$CDPATH"'
    (tmp_path / "linked path.sh").symlink_to(root / "path.sh")
    done = run("bash", "-c", sourced, cwd=tmp_path, CDPATH="/:.")
    assert (done.stdout, done.stderr) == (f"{root}|/:.\n", "")


def test_the_installer_is_started_from_anywhere(tmp_path: Path) -> None:
    """With folders that are named relative to the current one, too."""
    root = tmp_path / "recipe"
    shutil.copytree(ROOT / "utils", root / "utils")
    for path in ROOT.glob("requirements*.txt"):
        shutil.copy(path, root)
    for folder in ("envs/own", "else/envs/own", "else/utils", "else/recipe/utils"):
        script(tmp_path / folder / "bin/python", "exit 0")
    (tmp_path / "link.sh").symlink_to(root / "utils/install.sh")
    variables = {"CDPATH": f"{tmp_path}/else", "ASR_CACHE": f"{tmp_path}/cache"}
    for where, command, env in (
        (root, ["sh", "utils/install.sh"], "../envs/own"),
        (tmp_path, ["recipe/utils/install.sh"], "envs/own"),
        (tmp_path, ["bash", "link.sh"], "envs/own"),
    ):
        done = run(*command, "--where", cwd=where, ASR_OWN_ENV=env, **variables)
        assert done.stdout == f"{tmp_path}/envs/own\n", (command, done.stderr)
