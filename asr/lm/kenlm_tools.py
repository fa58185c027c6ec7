"""KenLM's programs: ``lmplz`` (text to ARPA) and ``build_binary``."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from asr.atomic import atomic_path, remove
from asr.errors import RecipeError
from asr.lm.kneser_ney import FALLBACK
from asr.progress import SECONDS_BETWEEN_LINES, LineTimer


def find_tool(name: str) -> Path | None:
    """A KenLM program beside this Python, where the installer puts it, or in PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    return Path(found) if found else None


def run_lmplz(
    lmplz: Path, text: Path, arpa: Path, order: int, prune: Sequence[int], memory: str
) -> None:
    """Train an n-gram; a text too small for discounts gets fixed ones, and is named.

    Raises:
        RecipeError: ``lmplz`` failed; the message ends with what it said last.
    """
    with atomic_path(arpa) as partial, _scratch(arpa.parent) as scratch:
        command = [str(lmplz), "-o", str(order), "-S", memory]
        command += ["-T", f"{scratch}/", "--prune", *map(str, prune)]
        command += ["--text", str(text), "--arpa", str(partial)]
        code, log = _run(command, "lmplz")
        if code != 0 and "--discount_fallback" in log:
            code, log = _run([*command, "--discount_fallback"], "lmplz")
            for line in log.splitlines():
                if line.startswith("Substituting fallback discounts for order "):
                    n = int(line.split(":")[0].split()[-1]) + 1  # it counts from 0
                    say_fallback(n)
        if code != 0:
            raise RecipeError(f"lmplz failed on {text}: {_last_line(log)}")


def build_binary(program: Path, arpa: Path, binary: Path, kind: str) -> None:
    """Turn an ARPA file into KenLM's ``trie`` (small) or ``probing`` (fast)."""
    if kind not in ("trie", "probing"):
        raise RecipeError(f"lm.binary is {kind!r}: choose trie or probing")
    with atomic_path(binary) as partial:
        with _scratch(binary.parent) as scratch:
            command = [str(program), "-T", f"{scratch}/", kind, str(arpa)]
            code, log = _run([*command, str(partial)], "build_binary")
        if code != 0:
            raise RecipeError(f"build_binary failed on {arpa}: {_last_line(log)}")


def say_fallback(order: int) -> None:
    """Tell that the n-grams of this order got fixed discounts."""
    values = " ".join(f"{value:g}" for value in FALLBACK)
    print(f"{order}-gram counts are too few for discounts: fixed ones taken ({values})")


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """A folder for KenLM's temporary files; a killed run's is removed by the next."""
    folder = parent / ".partial-kenlm"
    remove(folder)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        remove(folder)


def _run(command: Sequence[str], name: str) -> tuple[int, str]:
    """Run a program with a line now and then; return exit code and its stderr."""
    timer = LineTimer()
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        try:
            while (code := _wait(process)) is None:
                print(f"{name}: {timer.seconds:.0f} s", flush=True)
        finally:
            process.kill()  # only where the wait was interrupted
        log.seek(0)
        return code, log.read()


def _wait(process: "subprocess.Popen[bytes]") -> int | None:
    try:
        return process.wait(SECONDS_BETWEEN_LINES)
    except subprocess.TimeoutExpired:
        return None


def _last_line(log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing (killed?)"
