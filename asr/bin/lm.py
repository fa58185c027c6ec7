"""Stage 4: n-gram from the train transcripts and optional extra text."""

from pathlib import Path

from asr.atomic import remove
from asr.errors import RecipeError
from asr.job import Job
from asr.lm.kenlm_tools import build_binary, find_tool
from asr.lm.ngram import NgramLm
from asr.lm.train_ngram import train_ngram
from asr.lm.train_text import write_train_text
from asr.packages import missing
from asr.text.normalize import get_rule
from asr.text.transcripts import read_transcripts


def run(job: Job) -> None:
    """Write ``train.txt``, the ARPA file, and the binary where KenLM has one built."""
    paths, settings = job.paths, job.config.lm
    text = paths.lm / "train.txt"
    count = write_train_text(
        read_transcripts(paths.cuts("train")).values(),
        _extra_text(job),
        get_rule(job.config.corpus.normalize),
        text,
    )
    print(f"{text}: {count} sentences", flush=True)
    for order in sorted({settings.order, settings.rescore_order} - {0}):
        _train(job, text, order)
    _print_perplexity(job)


def _train(job: Job, text: Path, order: int) -> None:
    """One n-gram as ARPA, and as KenLM's binary where that can be built."""
    paths, settings = job.paths, job.config.lm
    arpa = paths.arpa(order)
    train_ngram(text, arpa, order, settings.prune, find_tool("lmplz"))
    program = find_tool("build_binary")
    if program is None:
        remove(paths.lm_binary(order))  # an older n-gram's would be loaded
        print("build_binary is not installed: decoders load the ARPA file (slower)")
    else:
        build_binary(program, arpa, paths.lm_binary(order), settings.binary)


def _extra_text(job: Job) -> Path | None:
    """``lm.extra_text``: a path, or a file in the download folder."""
    name = job.config.lm.extra_text
    if not name:
        return None
    for path in (Path(name), job.paths.download / name):
        if path.is_file():
            return path
    raise RecipeError(
        f"lm.extra_text: neither {name} nor {job.paths.download / name} is there; "
        "put the file there or set lm.extra_text=null"
    )


def _print_perplexity(job: Job) -> None:
    if reason := missing("kenlm"):
        print(f"perplexity on dev: not computed, {reason}", flush=True)
        return
    lm = NgramLm(job.lm_file)
    found = lm.perplexity(read_transcripts(job.paths.cuts("dev")).values())
    print(
        f"perplexity on dev: {found.without_unknown:.1f} without unknown words, "
        f"{found.with_unknown:.1f} with; unknown: {found.unknown} of {found.words} "
        f"words ({found.oov_rate:.2%})",
        flush=True,
    )
