"""Runs all rows of a study by the recipe's own stages, and makes one table.

    python -m benchmarks.ablation benchmarks/ablation.yaml --download-dir DIR

The same command goes on after a stop, and skips what is done. Two of them share the
rows. See docs/ablation.md.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from asr.atomic import write_text
from asr.errors import RecipeError
from asr.options import split_settings
from benchmarks.row_runner import Runner, StoppedError, locked
from benchmarks.row_table import table
from benchmarks.rows import (
    PREPARE,
    STAGES,
    Row,
    Study,
    choose_rows,
    load_study,
    stage_command,
)

Run = Callable[[Sequence[str]], int]


def run_row(study: Study, row: Row, options: argparse.Namespace, run: Run) -> str:
    """Run a row's stages; return what went wrong in a few words, if anything did.

    Rows share data folders, which only one of them may prepare at a time.
    """
    data, exp = options.data_dir / row.data_name, options.exp_dir / row.name
    folders = {"download": options.download_dir, "data": data, "exp": exp}
    with locked(exp / ".lock", wait=False) as mine:
        if not mine:
            return "is run by another process"
        with locked(data / ".lock", wait=True):
            wrong = _run_stages(study, row, PREPARE, folders, options.nj, run)
        if wrong:
            return wrong
        rest = STAGES[len(PREPARE) :]
        return _run_stages(study, row, rest, folders, options.nj, run)


def _run_stages(
    study: Study,
    row: Row,
    stages: Sequence[str],
    folders: dict[str, Path],
    nj: int,
    run: Run,
) -> str:
    for stage in stages:
        print(f"# row {row.name}: {stage}", flush=True)
        code = run(stage_command(study, row, stage, folders, nj))
        if code:
            return f"{stage} ended with exit code {code}"
    return ""


def run_rows(
    study: Study, rows: Sequence[Row], options: argparse.Namespace, run: Run
) -> dict[str, str]:
    """Run the rows in turn, also after one has failed; return what went wrong where."""
    wrong = {}
    for row in rows:
        problem = run_row(study, row, options, run)
        if problem:
            print(f"# row {row.name}: {problem}", flush=True)
            wrong[row.name] = problem
        write_table(study, options)
    return wrong


def write_table(study: Study, options: argparse.Namespace) -> str:
    """Write the table of all rows of the study, and return it."""
    text = table(study, study.rows, options.exp_dir, options.data_dir)
    write_text(options.exp_dir / "RESULTS.md", text)
    return text


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; the folders are those of the study."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("study", type=Path, help="such as benchmarks/ablation.yaml")
    parser.add_argument("--rows", default="", help="only these: a,b")
    parser.add_argument("--table", action="store_true", help="only print the table")
    parser.add_argument("--epochs", type=int, help="of the base row; others follow it")
    parser.add_argument("--download-dir", type=Path, default=Path("download"))
    parser.add_argument("--data-dir", type=Path, help="default: data/CORPUS/STUDY")
    parser.add_argument("--exp-dir", type=Path, help="default: exp/CORPUS/STUDY")
    parser.add_argument("--nj", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--set", default="", dest="settings", help="for all rows")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows, or print the table; return the exit code."""
    options = parse(arguments)
    runner = Runner()
    try:
        extra = split_settings(options.settings)
        study = load_study(options.study, options.epochs, extra)
        rows = choose_rows(study, options.rows)
        where = Path(study.corpus) / study.name
        options.exp_dir = options.exp_dir or "exp" / where
        options.data_dir = options.data_dir or "data" / where
        if options.table:
            print(write_table(study, options), end="")
            return 0
        with runner.listening():
            wrong = run_rows(study, rows, options, runner)
    except StoppedError as stopped:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 128 + int(stopped.args[0])
    except RecipeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{options.exp_dir / 'RESULTS.md'}\n{write_table(study, options)}", end="")
    for name, problem in wrong.items():
        print(f"row {name}: {problem}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
