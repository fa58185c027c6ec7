"""utils/install.sh and utils/find_python.sh, with an interpreter that only pretends."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.utils.shell import ROOT, run, script

PYTHON = """case "$*" in
  *sys.executable*) echo "$0" ;;
  *python_version*) echo 3.10.99 ;;
  "-I - 3.10") ;;
  "-I - "*) echo "is Python 3.10" ;;
  "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"
    cp "$(dirname "$0")/pip" "$3/bin/pip" ;;
  "-m pip "*) shift 2; "$(dirname "$0")/pip" "$@" ;;
esac
"""
PIP = """echo "$*" >> "$CALLS"
if [ -e "$CALLS.fail" ]; then echo "No space left on device"; exit 1; fi
if [ "$2" = -r ] && [ -e "$CALLS.slow" ]; then touch "$CALLS.reached"; sleep 4; fi
if [ "$1" = download ]; then
  mkdir -p "$TMPDIR/kenlm-0" && tar -czf "$TMPDIR/kenlm-0.tar.gz" -C "$TMPDIR" kenlm-0
fi
"""
DF = """free=104857600; [ ! -e "$CALLS.full-disk" ] || free=3145728
echo "Filesystem"; echo "disk 0 0 $free 0% /"
"""
CMAKE = """if [ -e "$CALLS.no-boost" ]; then exit 1; fi
if [ -e "$CALLS.slow-cmake" ]; then touch "$CALLS.reached"; sleep 20; fi
if [ "$1" = --build ]; then
  mkdir -p "$2/bin"; touch "$2/bin/build_binary"
  echo true > "$2/bin/lmplz"; chmod +x "$2/bin/lmplz"
fi
"""


class Recipe:
    """A copy of the installer with pretended tools and a count of their calls."""

    def __init__(self, root: Path) -> None:
        self.root, self.cache, self.calls = root / "recipe", root / "cache", root / "n"
        shutil.copytree(ROOT / "utils", self.root / "utils")
        for path in ROOT.glob("requirements*.txt"):
            shutil.copy(path, self.root)
        self.python = script(root / "bin/python3.10", PYTHON)
        script(root / "bin/pip", PIP)
        for name in ("cmake", "g++", "make"):
            script(root / "bin" / name, CMAKE)
        script(root / "bin/df", DF)
        self.variables = {
            "PATH": f"{root / 'bin'}:{os.environ['PATH']}",
            "ASR_CACHE": str(self.cache),
            "ASR_PYTHON": str(self.python),
            "CALLS": str(self.calls),
        }

    def flag(self, name: str) -> Path:
        return Path(f"{self.calls}.{name}")

    def install(self, *options: str) -> subprocess.CompletedProcess[str]:
        return run(self.root / "utils/install.sh", *options, **self.variables)

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.root / "utils/install.sh"],
            env={**os.environ, **self.variables},
            stdout=subprocess.PIPE,
            text=True,
            # A background job of a shell ignores SIGINT, and so would its children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def count(self) -> int:
        return len(self.calls.read_text().splitlines()) if self.calls.exists() else 0


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return Recipe(tmp_path)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


def test_installs_once(recipe: Recipe) -> None:
    assert recipe.install("--where").returncode == 1
    first = recipe.install()
    assert first.returncode == 0, first.stderr
    (env,) = recipe.cache.glob("env-*-py3.10.99")
    assert (env / "bin/lmplz").exists()
    calls = recipe.count()
    started = time.monotonic()
    second = recipe.install()
    assert time.monotonic() - started < 2
    assert second.stdout == f"# environment {env}\n"
    assert recipe.install("--quiet").stdout == ""
    assert recipe.install("--where").stdout == f"{env}\n"
    assert recipe.count() == calls


def test_a_full_disk_is_said_before_anything_is_installed(recipe: Recipe) -> None:
    recipe.flag("full-disk").touch()
    done = recipe.install()
    assert done.returncode == 1 and recipe.count() == 0
    assert "takes up to 6 GB" in done.stderr and "has 3 GB free" in done.stderr
    recipe.flag("full-disk").unlink()
    assert recipe.install().returncode == 0


def test_other_requirements_make_another_environment(recipe: Recipe) -> None:
    recipe.install()
    with (recipe.root / "requirements.txt").open("a") as file:
        file.write("six==1.17.0\n")
    assert recipe.install("--where").returncode == 1
    assert recipe.install().returncode == 0
    assert len(list(recipe.cache.glob("env-*-py3.10.99"))) == 2


def test_what_the_tests_need_comes_into_the_same_environment(recipe: Recipe) -> None:
    recipe.install()
    calls = recipe.count()
    assert recipe.install("--dev").returncode == 0
    assert recipe.install("--dev").returncode == 0
    assert recipe.count() == calls + 1
    assert recipe.install("--quiet").stdout == ""


def test_a_failure_shows_the_end_of_the_log_and_leaves_no_marker(
    recipe: Recipe,
) -> None:
    recipe.flag("fail").touch()
    failed = recipe.install()
    assert failed.returncode == 1
    assert "No space left on device" in failed.stderr
    assert "run the same command again" in failed.stderr
    assert not list(recipe.cache.glob("env-*/.installed"))
    recipe.flag("fail").unlink()
    assert recipe.install().returncode == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_install_is_begun_anew(recipe: Recipe, number: int) -> None:
    recipe.flag("slow").touch()
    process = recipe.start()
    wait_for(recipe.flag("reached"))
    (env,) = recipe.cache.glob("env-*-py3.10.99")
    (env / "half-written").touch()
    process.send_signal(number)
    assert process.wait(timeout=10) != 0
    recipe.flag("slow").unlink()  # after SIGKILL pip lives on; the lock waits for it
    assert recipe.install().returncode == 0
    assert not (env / "half-written").exists()


def test_two_installs_at_once_do_the_work_once(recipe: Recipe) -> None:
    processes = [recipe.start(), recipe.start()]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum("# installing into" in output for output in outputs) == 1


def test_a_home_that_cannot_be_written_puts_it_into_the_recipe(recipe: Recipe) -> None:
    recipe.variables.update(ASR_CACHE="", HOME="/proc/nowhere")
    assert recipe.install().returncode == 0
    assert list((recipe.root / ".cache").glob("env-*/.installed"))


def test_without_root_one_line_says_which_packages_are_missing(recipe: Recipe) -> None:
    script(recipe.python.parent / "id", "echo 1000")
    recipe.flag("no-boost").touch()
    done = recipe.install()
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "libboost" in line]
    for part in ("lmplz", "libboost-program-options-dev", "only root can install"):
        assert part in line
    calls = recipe.count()
    assert recipe.install("--quiet").stdout == ""
    assert recipe.count() == calls


def test_a_kill_while_lmplz_compiles_costs_lmplz_alone(recipe: Recipe) -> None:
    recipe.flag("slow-cmake").touch()
    process = recipe.start()
    wait_for(recipe.flag("reached"))
    calls = recipe.count()
    process.terminate()
    assert process.wait(timeout=10) != 0
    assert recipe.install("--where").returncode == 1
    recipe.flag("slow-cmake").unlink()
    assert recipe.install().returncode == 0
    assert recipe.count() == calls
    (env,) = recipe.cache.glob("env-*-py3.10.99")
    assert (env / "bin/lmplz").exists()


def test_a_later_python_gets_the_second_set_and_says_what_is_missing(
    recipe: Recipe,
) -> None:
    script(recipe.python, PYTHON.replace("3.10", "3.12"))
    done = recipe.install()
    assert done.returncode == 0, done.stderr
    assert "the decoders ctc, hlg-nbest and hlg-lattice are left out" in done.stdout
    assert "requirements-torch2.txt" in recipe.calls.read_text()
    assert list(recipe.cache.glob("env-*-py3.12.99/.installed"))
    script(recipe.python, PYTHON.replace("3.10", "3.14"))
    assert "no usable Python" in recipe.install().stderr


def test_the_finder_passes_over_a_shim_that_fails(tmp_path: Path) -> None:
    script(tmp_path / "shims/python3.10", "exit 127\n")
    home = tmp_path / "home"
    good = script(home / ".pyenv/versions/3.10.99/bin/python3.10", PYTHON)
    path = f"{tmp_path / 'shims'}:/usr/bin:/bin"
    done = run(ROOT / "utils/find_python.sh", "3.10", PATH=path, HOME=str(home))
    assert done.stdout == f"{good}\n"
    assert f"{tmp_path / 'shims/python3.10'} does not run" in done.stderr


def test_the_finder_checks_the_interpreter_that_it_is_given(tmp_path: Path) -> None:
    finder, python = ROOT / "utils/find_python.sh", sys.executable
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    right = run(finder, version, ASR_PYTHON=python)
    assert os.path.samefile(right.stdout.strip(), python)
    wrong = run(finder, "3.9", ASR_PYTHON=python)
    assert wrong.returncode == 1
    assert f"{python} is Python {version}" in wrong.stderr
    none = run(finder, version, ASR_PYTHON=str(tmp_path / "python"))
    assert (none.returncode, none.stdout) == (1, "")


def without_python(recipe: Recipe) -> dict[str, str]:
    """A machine whose Python holds no environment until apt-get has brought one."""
    del recipe.variables["ASR_PYTHON"]
    tools = recipe.python.parent
    script(
        recipe.root / "utils/find_python.sh",
        f'[ -e "$CALLS.brought" ] && [ "$1" = 3.10 ] && echo {recipe.python}\n',
    )
    script(tools / "apt-get", 'echo "$*" >> "$CALLS.apt"; touch "$CALLS.brought"')
    script(tools / "id", "echo 0")
    return recipe.variables


def test_where_python_comes_without_venv_it_is_installed(recipe: Recipe) -> None:
    without_python(recipe)
    assert recipe.install("--where").returncode == 1
    assert not recipe.flag("apt").exists()
    done = recipe.install()
    assert done.returncode == 0, done.stderr
    assert "no Python here can hold an environment" in done.stdout
    asked = recipe.flag("apt").read_text()
    assert asked == "install -y --no-install-recommends python3-venv python3-dev\n"
    assert list(recipe.cache.glob("env-*-py3.10.99"))


def test_without_root_and_without_python_one_line_says_what_to_install(
    recipe: Recipe,
) -> None:
    without_python(recipe)
    script(recipe.python.parent / "id", "echo 1000")
    done = recipe.install()
    assert done.returncode == 1 and not recipe.flag("apt").exists()
    assert done.stderr.startswith("error: no usable Python 3.10 (nor 3.11 to 3.13)")


OWN = """case "$*" in
  *version_info*) exit "${OLD:-0}" ;;
  *find_spec*) shift 3; for name in "$@"; do
    case " $LACKS " in *" $name "*) printf '%s ' "$name" ;; esac; done; echo ;;
esac
"""


def test_an_environment_of_ones_own_is_taken_as_it_is(
    recipe: Recipe, tmp_path: Path
) -> None:
    own = tmp_path / "my env"
    python = script(own / "bin/python", OWN)
    recipe.variables.update(ASR_OWN_ENV=str(own), LACKS="")
    done = recipe.install()
    assert (done.returncode, done.stdout) == (0, f"# environment {own}\n"), done.stderr
    assert recipe.install("--where").stdout == f"{own}\n"
    assert recipe.install("--quiet", "--dev").stdout == ""
    recipe.variables["LACKS"] = "k2"
    assert "without k2 the decoders" in recipe.install().stdout
    recipe.variables["LACKS"] = "torch k2 lhotse"
    done = recipe.install("--quiet")
    assert done.returncode == 1 and "lacks torch lhotse" in done.stderr
    recipe.variables.update(LACKS="pytest", OLD="1")
    assert "Python 3.10 or later is needed" in recipe.install().stderr
    recipe.variables["OLD"] = "0"
    assert recipe.install().returncode == 0
    assert "lacks pytest" in recipe.install("--dev").stderr
    python.unlink()
    assert "no bin/python there" in recipe.install("--where").stderr
    assert recipe.count() == 0 and not list(recipe.cache.glob("env-*"))


def test_a_real_environment_is_asked_for_what_it_has(recipe: Recipe) -> None:
    del recipe.variables["ASR_PYTHON"]
    recipe.variables["ASR_OWN_ENV"] = sys.prefix
    done = recipe.install()
    lacking = done.stderr.partition(" lacks ")[2].partition(";")[0].split()
    assert (done.returncode == 0) == (not lacking), done.stderr
    assert all(importlib.util.find_spec(name) is None for name in lacking)
    assert not {"numpy", "torch"} & set(lacking)  # these tests run in it
