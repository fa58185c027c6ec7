"""Text to an n-gram: ARPA by KenLM's ``lmplz`` or our own trainer, and its binary."""

import gzip
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from asr.atomic import atomic_path, remove
from asr.errors import RecipeError
from asr.lm.kneser_ney import FALLBACK, train_kneser_ney, write_arpa

MAX_ORDER = 6  # kenlm's Python module is compiled for this
SECONDS_BETWEEN_LINES = 5.0


def find_tool(name: str) -> Path | None:
    """A KenLM program beside this Python, where the installer puts it, or in PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    return Path(found) if found else None


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a text file, plain or .gz; RecipeError if it cannot be read."""
    opener: Callable[..., Iterable[str]] = gzip.open if path.suffix == ".gz" else open
    try:
        yield from opener(path, "rt", encoding="utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise RecipeError(f"LM text {path} cannot be read: {error}") from error


def write_train_text(
    transcripts: Iterable[str],
    extra: Path | None,
    normalize: Callable[[str], str],
    out: Path,
) -> int:
    """Stream the LM's training text, a normalised sentence a line; return its count.

    ``transcripts`` are normalised already, ``extra`` (plain or .gz) is not.
    """
    count, last = 0, time.monotonic()
    with atomic_path(out) as partial, open(partial, "w", encoding="utf-8") as file:
        for line in _sentences(transcripts, extra, normalize):
            file.write(line + "\n")
            count += 1
            if count % 1000 == 0 and time.monotonic() - last > SECONDS_BETWEEN_LINES:
                print(f"LM text: {count} sentences", flush=True)
                last = time.monotonic()
        if count == 0:
            raise RecipeError("LM text: no sentence; check the train manifest")
    return count


def _sentences(
    transcripts: Iterable[str], extra: Path | None, normalize: Callable[[str], str]
) -> Iterator[str]:
    yield from filter(None, transcripts)
    if extra is not None:
        yield from filter(None, map(normalize, read_lines(extra)))


def train_ngram(
    text: Path,
    arpa: Path,
    order: int,
    prune: Sequence[int],
    lmplz: Path | None,
    memory: str = "1G",
) -> None:
    """Train an n-gram on ``text`` (a sentence a line) and write ``arpa``.

    Args:
        order: 2 to 6.
        prune: ``lmplz --prune``: n-grams counted up to this often are dropped, one
            number per order; the last stands for all longer ones, those beyond
            ``order`` are not used.
        lmplz: the program (``find_tool("lmplz")``); None takes our own trainer.
        memory: ``lmplz -S``, what it sorts in before it goes to disk.

    A text too small for Kneser-Ney discounts gets fixed ones, and a line says so.
    """
    cutoffs = resolve_prune(order, prune)
    started = time.monotonic()
    if lmplz is not None:
        _run_lmplz(lmplz, text, arpa, order, cutoffs, memory)
    else:
        print("lmplz is not installed: training with asr/lm/kneser_ney.py", flush=True)
        model = train_kneser_ney(map(str.split, read_lines(text)), order, cutoffs)
        for n in model.fallback_orders:
            _say_fallback(f"{n}-gram")
        write_arpa(model, arpa)
    print(f"{arpa}: order {order}, {time.monotonic() - started:.1f} s", flush=True)


def resolve_prune(order: int, prune: Sequence[int]) -> list[int]:
    """One cutoff per order; RecipeError where KenLM could not use them."""
    if not 2 <= order <= MAX_ORDER:
        raise RecipeError(f"lm.order is {order}: choose 2 to {MAX_ORDER}")
    cutoffs = list(prune[:order]) or [0]
    cutoffs += [cutoffs[-1]] * (order - len(cutoffs))
    if cutoffs[0] != 0 or cutoffs != sorted(cutoffs):
        raise RecipeError(f"lm.prune is {list(prune)}: begin with 0, never decrease")
    return cutoffs


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


def _run_lmplz(
    lmplz: Path, text: Path, arpa: Path, order: int, prune: Sequence[int], memory: str
) -> None:
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
                    _say_fallback(f"{n}-gram")
        if code != 0:
            raise RecipeError(f"lmplz failed on {text}: {_last_line(log)}")


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


def _say_fallback(what: str) -> None:
    values = " ".join(f"{value:g}" for value in FALLBACK)
    print(f"{what} counts are too few for discounts: fixed ones taken ({values})")


def _run(command: Sequence[str], name: str) -> tuple[int, str]:
    """Run a program with a line now and then; return exit code and its stderr."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        try:
            while (code := _wait(process)) is None:
                print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
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
