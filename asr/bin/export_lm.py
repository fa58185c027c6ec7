"""The n-gram of an exported model: rounded, and pruned until it fits."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from asr.bin.export_lang import gzipped
from asr.job import Job
from asr.lm.train_ngram import find_tool, train_ngram

# Cutoffs of n-gram counts, from the n-gram as it is to hardly any beyond pairs.
PRUNINGS = ((0, 0, 1), (0, 1, 2), (0, 2, 4), (0, 4, 8), (0, 8, 16), (0, 16, 32))
DECIMALS = 3  # of a log10: no probability changes by more than 0.12 %
MIB = 1 << 20


def write_lm(job: Job, folder: Path, room: float, given: Path | None) -> int:
    """Put in the largest n-gram that fits; return its order, 0 if none does."""
    order = job.config.lm.order
    target = folder / "lm" / f"{order}gram.arpa.gz"
    for arpa in _arpas(job, folder, given):
        _compress_rounded(arpa, target)
        if target.stat().st_size <= room:
            return order
        print(f"n-gram: {target.stat().st_size / MIB:.1f} MiB do not fit", flush=True)
    shutil.rmtree(folder / "lm", ignore_errors=True)
    return 0


def _arpas(job: Job, folder: Path, given: Path | None) -> Iterator[Path]:
    """The n-gram, then ever more pruned ones of the same text."""
    if given is not None:
        yield given
        return
    order, text = job.config.lm.order, job.paths.lm / "train.txt"
    yield job.paths.arpa(order)
    scratch = folder.parent / f".pruned-{folder.name}.arpa"
    try:
        for prune in PRUNINGS if text.is_file() else ():
            print(f"n-gram pruned by {prune}", flush=True)
            train_ngram(text, scratch, order, prune, find_tool("lmplz"))
            yield scratch
    finally:
        scratch.unlink(missing_ok=True)


def rounded(line: str) -> str:
    """A line of an ARPA file with its logarithms to ``DECIMALS``."""
    fields = line.rstrip("\n").split("\t")
    if len(fields) < 2:
        return line
    for place in {0, len(fields) - 1} - {1}:
        fields[place] = f"{float(fields[place]):.{DECIMALS}f}"
    return "\t".join(fields) + "\n"


def _compress_rounded(arpa: Path, target: Path) -> None:
    """Gzip an ARPA file with rounded numbers, without its name and time."""
    with (
        open(arpa, encoding="utf-8", errors="surrogateescape") as plain,
        gzipped(target) as file,
    ):
        lines = (rounded(line) for line in plain)
        file.writelines(line.encode(errors="surrogateescape") for line in lines)
