"""utils/install.sh and utils/find_python.sh, with an interpreter that only pretends."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from tests.utils.shell import ROOT, run, script

PYTHON = """case "$*" in
  "-I -c import importlib"*) echo "imports" >> "$CALLS"; $FAIL
    if [ -e "$CALLS.broken" ]; then
      echo "ModuleNotFoundError: No module named '_k2'"; exit 1
    fi ;;
  *sys.executable*) echo "$0" ;;
  *python_version*) echo 3.10.99 ;;
  "-I - 3.10") ;;
  "-I - "*) echo "is Python 3.10" ;;
  "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"
    cp "$(dirname "$0")/pip" "$3/bin/pip" ;;
  "-m pip "*) shift 2; "$(dirname "$0")/pip" "$@" ;;
esac
"""
PIP = """echo "$*" >> "$CALLS"; $FAIL
if [ -e "$CALLS.fail" ]; then echo "No space left on device"; exit 1; fi
if [ "$2" = -r ] && [ -e "$CALLS.slow" ]; then touch "$CALLS.reached"; sleep 4; fi
if [ "$1" = download ]; then
  mkdir -p "$TMPDIR/kenlm-0" && tar -czf "$TMPDIR/kenlm-0.tar.gz" -C "$TMPDIR" kenlm-0
fi
case "$*" in "install --no-deps --require-hashes -r "*/requirements-k2.txt)
  site=$(dirname "$0")/../lib/python3.10/site-packages
  mkdir -p "$site"; touch "$site/_k2.cpython-310-x86_64-linux-gnu.so" ;;
esac
"""
# The call of this number fails, if there is a file that names it.
FAIL = (
    '[ ! -e "$CALLS.fail-at" ] || '
    '[ "$(wc -l < "$CALLS")" != "$(cat "$CALLS.fail-at")" ] || exit 1'
)
PYTHON, PIP = (text.replace("$FAIL", FAIL) for text in (PYTHON, PIP))
DF = """free=104857600; [ ! -e "$CALLS.full-disk" ] || free=3145728
echo "Filesystem"; echo "disk 0 0 $free 0% /"
"""
CMAKE = """if [ -e "$CALLS.no-boost" ]; then exit 1; fi
if [ "$1" = --build ]; then
  if [ -e "$CALLS.slow-cmake" ]; then
    until [ -e "$TMPDIR/../.requirements" ]; do sleep 0.02; done
    touch "$CALLS.reached"; sleep 20
  fi
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


def test_a_failure_of_any_step_ends_the_install(recipe: Recipe) -> None:
    assert recipe.install("--dev").returncode == 0
    calls = recipe.count()
    assert calls == 7  # pip, KenLM, the requirements, k2, imports, a check, the tests
    for number in range(1, calls + 1):
        shutil.rmtree(recipe.cache)
        recipe.calls.unlink()
        recipe.flag("fail-at").write_text(str(number))
        failed = recipe.install("--dev")
        assert failed.returncode == 1 and "failed; the end of" in failed.stderr, number
        assert recipe.count() == number
        assert recipe.install("--dev", "--where").returncode == 1


def test_a_module_that_does_not_import_is_a_failure(recipe: Recipe) -> None:
    recipe.flag("broken").touch()
    failed = recipe.install()
    assert failed.returncode == 1
    assert "importing everything once failed" in failed.stderr
    assert "No module named '_k2'" in failed.stderr
    assert not list(recipe.cache.glob("env-*/.installed"))


def test_an_environment_with_another_pythons_k2_is_made_anew(recipe: Recipe) -> None:
    recipe.install()
    (env,) = recipe.cache.glob("env-*-py3.10.99")
    (compiled,) = env.glob("lib/python3.10/site-packages/_k2.cpython-310-*.so")
    compiled.rename(compiled.with_name("_k2.cpython-39-x86_64-linux-gnu.so"))
    (env / "left-over").touch()
    assert recipe.install("--where").returncode == 1
    assert recipe.install().returncode == 0
    assert not (env / "left-over").exists() and compiled.exists()


def test_a_step_runs_no_function_which_would_hide_failures() -> None:
    source = f"set -e; log=/dev/null; . {ROOT}/utils/steps.sh; f() {{ false; true; }}"
    done = run("bash", "-c", f"{source}; step trying f; echo reached")
    assert done.returncode == 1 and "reached" not in done.stdout
    assert "a function would hide its failures" in done.stderr
    assert run("bash", "-c", f"{source}; step trying true").returncode == 0


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
  *find_spec*) echo looked >> "$CALLS.looks"; shift 3; for name in "$@"; do
    printf '%s ' "$name"
    case "$name" in "$KILLS") exit 1 ;; "$BROKEN") echo "no such _$name"; continue ;; esac
    case " $LACKS " in *" $name "*) echo none ;; *) echo ok ;; esac; done ;;
esac
"""


@pytest.fixture
def own(recipe: Recipe, tmp_path: Path) -> Path:
    """The folder of an environment of one's own."""
    folder = tmp_path / "my env"
    script(folder / "bin/python", OWN)
    recipe.variables.update(ASR_OWN_ENV=str(folder), LACKS="", BROKEN="", KILLS="")
    return folder


def with_other_packages(recipe: Recipe, own: Path, **changes: str) -> Recipe:
    """As after pip's work: something below the folder has another time."""
    recipe.variables.update(changes)
    packages = own / "lib/python3.12/site-packages"
    packages.mkdir(parents=True, exist_ok=True)
    (packages / changes.get("LACKS", "x")).touch()
    (packages / changes.get("LACKS", "x")).unlink()
    return recipe


def test_an_environment_of_ones_own_is_taken_as_it_is(
    recipe: Recipe, own: Path
) -> None:
    done = recipe.install()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"# environment {own}"
    assert recipe.install("--where").stdout == f"{own}\n"
    assert recipe.install("--quiet", "--dev").stdout == ""
    with_other_packages(recipe, own, LACKS="k2")
    assert "without k2 the decoders" in recipe.install().stdout
    with_other_packages(recipe, own, LACKS="torch k2 lhotse")
    done = recipe.install("--quiet")
    assert done.returncode == 1 and "lacks torch lhotse;" in done.stderr
    with_other_packages(recipe, own, LACKS="pytest", OLD="1")
    assert "Python 3.10 or later is needed" in recipe.install().stderr
    recipe.variables["OLD"] = "0"
    assert recipe.install().returncode == 0
    assert "lacks pytest" in recipe.install("--dev").stderr
    (own / "bin/python").unlink()
    assert "no bin/python there" in recipe.install("--where").stderr
    assert recipe.count() == 0 and not list(recipe.cache.glob("env-*"))


def test_what_an_own_environment_has_is_imported_once(
    recipe: Recipe, own: Path
) -> None:
    with_other_packages(recipe, own, BROKEN="k2")
    line = "# k2 does not import (no such _k2): the decoders ctc, hlg-nbest and "
    for _ in range(2):
        done = recipe.install()
        assert done.returncode == 0 and line in done.stdout
    assert recipe.install("--quiet").stdout == ""
    assert recipe.flag("looks").read_text().split() == ["looked"]
    with_other_packages(recipe, own, BROKEN="h5py")
    for _ in range(2):  # what fails is looked at again
        done = recipe.install("--quiet")
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "h5py does not import (no such _h5py)" in done.stderr
    with_other_packages(recipe, own, BROKEN="", KILLS="torch")
    assert "torch does not import (Python ended)" in recipe.install().stderr
    with_other_packages(recipe, own, KILLS="k2")
    done = recipe.install()
    assert done.returncode == 0 and "k2 does not import (Python ended)" in done.stdout


def test_a_real_environment_is_asked_for_what_it_has(
    recipe: Recipe, tmp_path: Path
) -> None:
    """One with the packages of this one, but for a k2 that is broken."""
    own = tmp_path / "own"
    venv.create(own, system_site_packages=True, symlinks=True)
    packages = (
        own / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    )
    here = Path(importlib.util.find_spec("numpy").origin).parents[1]  # type: ignore
    (packages / "here.pth").write_text(f"{here}\n")
    (packages / "k2").mkdir()
    (packages / "k2/__init__.py").write_text("import _k2_of_another_python")
    recipe.variables["ASR_OWN_ENV"] = str(own)
    done = recipe.install()
    lacking = done.stderr.partition(" lacks ")[2].partition(";")[0].split()
    assert (done.returncode == 0) == (not lacking), done.stderr
    assert all(importlib.util.find_spec(name) is None for name in lacking)
    assert not {"numpy", "torch"} & set(lacking)  # these tests run in it
    said = "# k2 does not import (No module named '_k2_of_another_python')"
    assert lacking or said in done.stdout


def test_the_environment_of_these_tests_is_whole() -> None:
    """Tests skip what is not installed; so what the installer promises is asked here."""
    if os.environ.get("ASR_OWN_ENV"):
        pytest.skip("an environment of one's own may lack k2")
    source = (ROOT / "utils/install.sh").read_text()
    modules = source.partition("\nmodules=(")[2].partition(")")[0].split()
    assert {"torch", "kenlm", "imageio_ffmpeg"} <= set(modules)
    if sys.version_info[:2] == (3, 10):
        modules += ["torchaudio", "k2"]
    imports = "import importlib, sys\nfor name in sys.argv[1:]:"
    done = run(
        sys.executable, "-c", f"{imports} importlib.import_module(name)", *modules
    )
    assert done.returncode == 0, done.stderr
