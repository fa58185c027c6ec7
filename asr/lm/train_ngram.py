"""Text to an n-gram in ARPA, by KenLM's ``lmplz`` or our own trainer."""

import time
from collections.abc import Sequence
from pathlib import Path

from asr.errors import RecipeError
from asr.lm.kenlm_tools import run_lmplz, say_fallback
from asr.lm.kneser_ney import train_kneser_ney, write_arpa
from asr.lm.train_text import read_lines

MAX_ORDER = 6  # kenlm's Python module is compiled for this


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
        run_lmplz(lmplz, text, arpa, order, cutoffs, memory)
    else:
        print("lmplz is not installed: training with asr/lm/kneser_ney.py", flush=True)
        model = train_kneser_ney(map(str.split, read_lines(text)), order, cutoffs)
        for n in model.fallback_orders:
            say_fallback(n)
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
