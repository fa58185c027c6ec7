"""How long it takes to score a million words, with all files, beside other scorers.

    python -m benchmarks.scoring download/librispeech-lm-norm.txt.gz [--words 1000000]

The references are lines of a text; the hypotheses are made of them with 10 % of the
words replaced, 3 % left out and 3 % inserted. CPU seconds of one process, without the
making of the texts; jiwer (pip install jiwer) and kaldialign only count.
"""

import argparse
import gzip
import importlib
import itertools
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from asr.__main__ import main as asr_main

Texts = Sequence[str]


def main() -> None:
    """Write both texts, run ``score``, and let the others count the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path, help="a sentence a line, maybe .gz")
    parser.add_argument("--words", type=int, default=1_000_000)
    parser.add_argument("--alone", action="store_true", help="without the others")
    given = parser.parse_args()
    refs = read(given.text, given.words)
    hyps = spoil(refs)
    print(f"{sum(len(ref.split()) for ref in refs)} words, {len(refs)} utterances")
    with tempfile.TemporaryDirectory() as folder:
        for name, texts in (("ref", refs), ("hyp", hyps)):
            lines = [f"utt-{k:07d} {text}\n" for k, text in enumerate(texts)]
            (Path(folder) / name).write_text("".join(lines), encoding="utf-8")
        names = [f"{folder}/{name}" for name in ("ref", "hyp", "out")]
        timed("score.sh, all files", lambda: asr_main(["score", *names]))
    others = {"jiwer": jiwer_counts, "kaldialign": kaldialign_counts}
    for name, count in others.items():
        if given.alone:
            break
        try:
            module = importlib.import_module(name)
        except ImportError:
            print(f"{name}: not installed")
            continue
        timed(f"{name}, counts only", lambda: count(module, refs, hyps))  # noqa: B023


def timed(name: str, work: Callable[[], object]) -> None:
    """Print the CPU seconds that ``work`` takes."""
    began, clock = time.process_time(), time.perf_counter()
    result = work()
    seconds, wall = time.process_time() - began, time.perf_counter() - clock
    print(f"{name}: {seconds:.1f} s CPU, {wall:.1f} s by the clock ({result})")


def jiwer_counts(jiwer: Any, refs: Texts, hyps: Texts) -> str:
    """WER and CER."""
    words, characters = jiwer.wer(list(refs), list(hyps)), jiwer.cer(refs, hyps)
    return f"WER {100 * words:.2f}, CER {100 * characters:.2f}"


def kaldialign_counts(kaldialign: Any, refs: Texts, hyps: Texts) -> str:
    """WER and CER."""
    words = kaldialign.batch_error_rate(*([t.split() for t in s] for s in (refs, hyps)))
    characters = kaldialign.batch_error_rate(refs, hyps)
    return f"WER {100 * words['err_rate']:.2f}, CER {100 * characters['err_rate']:.2f}"


def read(path: Path, words: int) -> list[str]:
    """As many lines as have this number of words."""
    texts: list[str] = []
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                texts.append(line.strip())
                words -= len(line.split())
            if words <= 0:
                break
    return texts


def spoil(refs: Texts, seed: int = 0) -> list[str]:
    """Hypotheses of about 16 % WER."""
    rng = random.Random(seed)
    known = [w for text in itertools.islice(refs, 10_000) for w in text.split()]
    hyps = []
    for ref in refs:
        words: list[str] = []
        for word in ref.split():
            chance = rng.random()
            if chance < 0.03:
                words.append(rng.choice(known))  # inserted
            if not 0.03 <= chance < 0.06:  # else deleted
                words.append(rng.choice(known) if chance > 0.9 else word)
        hyps.append(" ".join(words))
    return hyps


if __name__ == "__main__":
    main()
