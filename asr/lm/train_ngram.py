"""Train a word n-gram, with KenLM's ``lmplz`` or a Kneser-Ney trainer in plain Python.

The latter is for machines without ``lmplz``: interpolated modified Kneser-Ney (Chen and
Goodman, "An empirical study of smoothing techniques for language modeling", TR-10-98,
section 4.1.6) with the conventions of ``lmplz`` (Heafield et al., ACL 2013), so that
both give the same probabilities: unigrams are interpolated with the uniform
distribution over all words, ``</s>`` and ``<unk>``; n-grams that begin with ``<s>``
keep their plain counts; the mass of pruned n-grams goes to the back-off. It holds every
n-gram in memory, about 0.3 GB for a million words at order 3.
"""

import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.atomic import atomic_path, remove
from asr.errors import RecipeError
from asr.lm.train_text import read_lines
from asr.progress import SECONDS_BETWEEN_LINES, LineTimer

MAX_ORDER = 6  # kenlm's Python module is compiled for this
BOS, EOS, UNK = "<s>", "</s>", "<unk>"
FALLBACK = (0.5, 1.0, 1.5)  # lmplz's own --discount_fallback
LOG_ZERO = -99.0  # log10, ARPA's customary zero

Gram = tuple[str, ...]
Discounts = tuple[float, float, float]  # for adjusted counts 1, 2, and 3 or more


def train_ngram(
    text: Path,
    arpa: Path,
    order: int,
    prune: Sequence[int],
    lmplz: Path | None,
    memory: str = "1G",
) -> None:
    """Train an n-gram on ``text`` (a sentence a line) and write ``arpa``.

    A text too small for Kneser-Ney discounts gets fixed ones, and a line says so.

    Args:
        order: 2 to 6.
        prune: ``lmplz --prune``: n-grams counted up to this often are dropped, one
            number per order; the last stands for all longer ones, those beyond
            ``order`` are not used.
        lmplz: the program (``find_tool("lmplz")``); None for the trainer in Python.
        memory: ``lmplz -S``, what it sorts in before it goes to disk.

    Raises:
        RecipeError: a wrong order or prune, or ``lmplz`` failed.
    """
    cutoffs = resolve_prune(order, prune)
    started = time.monotonic()
    if lmplz is not None:
        fallback_orders = _run_lmplz(lmplz, text, arpa, order, cutoffs, memory)
    else:
        print("lmplz is not installed: training with asr/lm/train_ngram.py", flush=True)
        model = train_kneser_ney(map(str.split, read_lines(text)), order, cutoffs)
        fallback_orders = model.fallback_orders
        write_arpa(model, arpa)
    values = " ".join(f"{value:g}" for value in FALLBACK)
    for n in fallback_orders:
        print(f"{n}-gram counts are too few for discounts: fixed ones taken ({values})")
    print(f"{arpa}: order {order}, {time.monotonic() - started:.1f} s", flush=True)


def resolve_prune(order: int, prune: Sequence[int]) -> list[int]:
    """Return one cutoff per order; RecipeError where KenLM could not use them."""
    if not 2 <= order <= MAX_ORDER:
        raise RecipeError(f"lm.order is {order}: choose 2 to {MAX_ORDER}")
    cutoffs = list(prune[:order]) or [0]
    cutoffs += [cutoffs[-1]] * (order - len(cutoffs))
    if cutoffs[0] != 0 or cutoffs != sorted(cutoffs):
        raise RecipeError(f"lm.prune is {list(prune)}: begin with 0, never decrease")
    return cutoffs


def find_tool(name: str) -> Path | None:
    """Find a KenLM program beside this Python, where it is installed, or in PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    return Path(found) if found else None


def build_binary(program: Path, arpa: Path, binary: Path, kind: str) -> None:
    """Turn an ARPA file into KenLM's ``trie`` (small) or ``probing`` (fast)."""
    if kind not in ("trie", "probing"):
        raise RecipeError(f"lm.binary is {kind!r}: choose trie or probing")
    with atomic_path(binary) as partial:
        code, log = _run(program, binary.parent, kind, str(arpa), str(partial))
        if code != 0:
            raise RecipeError(f"build_binary failed on {arpa}: {log[-1]}")


def _run_lmplz(
    lmplz: Path, text: Path, arpa: Path, order: int, prune: Sequence[int], memory: str
) -> list[int]:
    """Train; return the orders whose counts were too few for discounts."""
    with atomic_path(arpa) as partial:
        options = ["-o", str(order), "-S", memory, "--prune", *map(str, prune)]
        options += ["--text", str(text), "--arpa", str(partial)]
        code, log = _run(lmplz, arpa.parent, *options)
        if code != 0 and any("--discount_fallback" in line for line in log):
            code, log = _run(lmplz, arpa.parent, *options, "--discount_fallback")
        if code != 0:
            raise RecipeError(f"lmplz failed on {text}: {log[-1]}")
    said = "Substituting fallback discounts for order "  # counted from 0
    return [
        int(line.removeprefix(said).split(":")[0]) + 1
        for line in log
        if line.startswith(said)
    ]


def _run(program: Path, folder: Path, *arguments: str) -> tuple[int, list[str]]:
    """Run a KenLM program with temporary files in ``folder``, a line every few seconds.

    Returns:
        The exit code, and the lines of stderr that are not empty.
    """
    scratch = folder / ".partial-kenlm"  # a killed run leaves it to the next one
    remove(scratch)
    scratch.mkdir(parents=True)
    command = [str(program), "-T", f"{scratch}/", *arguments]
    timer = LineTimer()
    try:
        with tempfile.TemporaryFile("w+", errors="replace") as log:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
            try:
                while process.returncode is None:
                    try:
                        process.wait(SECONDS_BETWEEN_LINES)
                    except subprocess.TimeoutExpired:
                        print(f"{program.name}: {timer.seconds:.0f} s", flush=True)
            finally:
                process.kill()  # only where the wait was interrupted
            log.seek(0)
            lines = [line for line in log.read().splitlines() if line.strip()]
    finally:
        remove(scratch)
    return process.returncode, lines or ["it said nothing (killed?)"]


@dataclass(frozen=True)
class ArpaModel:
    """Probabilities and back-off weights (not logarithms), one dict per order.

    ``fallback_orders`` lists the orders whose counts gave no usable discounts.
    """

    probs: list[dict[Gram, float]]
    backoffs: list[dict[Gram, float]]
    fallback_orders: list[int]


def train_kneser_ney(
    sentences: Iterable[Sequence[str]], order: int, prune: Sequence[int]
) -> ArpaModel:
    """Estimate an n-gram model.

    Args:
        sentences: words, without sentence marks.
        order: length of the longest n-gram, at least 2.
        prune: for each order, n-grams with counts up to this are left out; the
            first is 0 and they do not decrease.
    """
    raw = count_ngrams(sentences, order)
    model = ArpaModel([], [], [])
    for n in range(1, order + 1):
        adjusted = adjusted_counts(raw, n)
        discounts = estimate_discounts(adjusted)
        if discounts is None:
            model.fallback_orders.append(n)
            discounts = FALLBACK
        kept = {g for g in adjusted if raw[n - 1][g] > prune[n - 1]}
        _add_order(model, adjusted, kept, discounts)
    return model


def count_ngrams(sentences: Iterable[Sequence[str]], order: int) -> list[Counter[Gram]]:
    """Count the n-grams of each length up to ``order``, sentence marks included."""
    counts: list[Counter[Gram]] = [Counter() for _ in range(order)]
    for sentence in sentences:
        words = (BOS, *sentence, EOS)
        for n, counter in enumerate(counts, start=1):
            counter.update(zip(*(words[i:] for i in range(n)), strict=False))
    return counts


def adjusted_counts(raw: Sequence[Counter[Gram]], n: int) -> Mapping[Gram, int]:
    """Count in how many different left contexts each n-gram occurs.

    The longest n-grams keep their plain counts, and so do those beginning with
    ``<s>``, which have no left context.
    """
    if n == len(raw):
        return raw[n - 1]
    adjusted = Counter(gram[1:] for gram in raw[n])
    if n > 1:  # the unigram <s> is never predicted
        adjusted.update({g: c for g, c in raw[n - 1].items() if g[0] == BOS})
    return adjusted


def estimate_discounts(adjusted: Mapping[Gram, int]) -> Discounts | None:
    """Compute closed-form discounts (Chen and Goodman, eq. 26); None if out of range."""
    n = Counter(count for count in adjusted.values() if count <= 4)
    if not (n[1] and n[2] and n[3]):
        return None
    y = n[1] / (n[1] + 2 * n[2])
    d1, d2, d3 = (j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3))
    in_range = 0 <= d1 <= 1 and 0 <= d2 <= 2 and 0 <= d3 <= 3
    return (d1, d2, d3) if in_range else None


def _add_order(
    model: ArpaModel,
    adjusted: Mapping[Gram, int],
    kept: set[Gram],
    discounts: Discounts,
) -> None:
    """Add the next longer n-grams, interpolated with the order below."""
    total: Counter[Gram] = Counter()
    freed: dict[Gram, float] = {}  # mass taken by discounts and pruning
    for gram, count in adjusted.items():
        context = gram[:-1]
        total[context] += count
        taken = discounts[min(count, 3) - 1] if gram in kept else count
        freed[context] = freed.get(context, 0.0) + taken
    gamma = {context: mass / total[context] for context, mass in freed.items()}
    probs: dict[Gram, float] = {}
    for gram in kept:
        context, count = gram[:-1], adjusted[gram]
        lower = model.probs[-1][gram[1:]] if context else 1 / (len(kept) + 1)
        own = (count - discounts[min(count, 3) - 1]) / total[context]
        probs[gram] = own + gamma[context] * lower
    if model.probs:
        model.backoffs.append(gamma)
    else:
        probs[(UNK,)] = gamma[()] / (len(kept) + 1)  # +1: <unk> itself
        probs[(BOS,)] = 1.0  # never asked for; the customary entry
    model.probs.append(probs)


def write_arpa(model: ArpaModel, path: Path) -> None:
    """Write log10 probabilities in the ARPA format, sorted, atomically."""
    order = len(model.probs)
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8") as file:
        file.write("\\data\\\n")
        for n, probs in enumerate(model.probs, start=1):
            file.write(f"ngram {n}={len(probs)}\n")
        for n, probs in enumerate(model.probs, start=1):
            file.write(f"\n\\{n}-grams:\n")
            backoffs = model.backoffs[n - 1] if n < order else {}
            for gram in sorted(probs):
                line = f"{_log10(probs[gram]):.7g}\t{' '.join(gram)}"
                if n < order:
                    line += f"\t{_log10(backoffs.get(gram, 1.0)):.7g}"
                file.write(line + "\n")
        file.write("\n\\end\\\n")


def _log10(value: float) -> float:
    return min(0.0, math.log10(value)) if value > 0 else LOG_ZERO
