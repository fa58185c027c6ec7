"""utils/parse_options.sh keeps Kaldi's rules."""

from pathlib import Path

import pytest

from tests.utils.shell import ROOT, run, script

SCRIPT = f"""set -euo pipefail
stop_stage=9
data_dir=
quick=false
help_message="Usage: demo [--stop-stage N] REF
 all of the help"
. {ROOT}/utils/parse_options.sh
echo "stop_stage=$stop_stage data_dir=[$data_dir] quick=$quick left=$*"
"""


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    return script(tmp_path / "demo", SCRIPT)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ([], "stop_stage=9 data_dir=[] quick=false left="),
        (
            ["--stop-stage", "3", "a", "b"],
            "stop_stage=3 data_dir=[] quick=false left=a b",
        ),
        (["--stop_stage", "3"], "stop_stage=3 data_dir=[] quick=false left="),
        (["--data-dir", "a b  c"], "stop_stage=9 data_dir=[a b  c] quick=false left="),
        (["--data-dir", "$(id)"], "stop_stage=9 data_dir=[$(id)] quick=false left="),
        (["--data-dir", ""], "stop_stage=9 data_dir=[] quick=false left="),
        (["--data-dir", "-1.5"], "stop_stage=9 data_dir=[-1.5] quick=false left="),
        (["--quick", "true"], "stop_stage=9 data_dir=[] quick=true left="),
        (
            ["x", "--quick", "1"],
            "stop_stage=9 data_dir=[] quick=false left=x --quick 1",
        ),
    ],
)
def test_sets_the_variables(demo: Path, arguments: list[str], printed: str) -> None:
    done = run(demo, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, printed + "\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stop-stage=3"], "write --name value, not --stop-stage=3"),
        (["--stage", "3"], "unknown option --stage"),
        (["--path", "/tmp"], "unknown option --path"),
        (["--help-message", "x"], "unknown option --help-message"),
        (["-q"], "unknown option -q"),
        (["--quick"], "option --quick needs a value"),
        (["--stop-stage", "--quick", "true"], "option --stop-stage needs a value"),
        (["--quick", "yes"], "option --quick is true or false, not 'yes'"),
    ],
)
def test_dies_with_the_usage_line(
    demo: Path, arguments: list[str], message: str
) -> None:
    done = run(demo, *arguments)
    usage = "Usage: demo [--stop-stage N] REF"
    assert done.stderr == f"{demo}: {message}\n{usage}\n"
    assert (done.returncode, done.stdout) == (2, "")


def test_help_prints_all_of_it(demo: Path) -> None:
    done = run(demo, "--stop-stage", "3", "--help")
    expected = "Usage: demo [--stop-stage N] REF\n all of the help\n"
    assert (done.returncode, done.stdout) == (0, expected)
