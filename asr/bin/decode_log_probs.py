"""``decode_log_probs``: the recipe's decoders on the log-probs of any CTC model."""

import argparse
import fcntl
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from asr.atomic import remove
from asr.config_load import default_values
from asr.decode.foreign import METHODS_HERE, ForeignJob, decode_foreign, tune_foreign
from asr.decode.methods import BOUNDS, REGISTRY, SearchOptions
from asr.decode.options import HotWord, stated
from asr.errors import UsageError
from asr.job import TIMED
from asr.options import named
from asr.score.results import table
from asr.text.hotwords import read_hotwords
from asr.text.normalize import fold_spaces

USAGE = """local/decode_log_probs.sh --log-probs FILE.h5 --tokens tokens.txt --out DIR
         [--lm lm.arpa|lm.bin] [--refs text] [--method METHOD] [--option VALUE ...]"""

# Name, type, what the value is, help; --method is apart.
OPTIONS: tuple[tuple[str, Callable[[str], object], str, str], ...] = (
    ("--log-probs", Path, "FILE.h5", "a (T, V) dataset of natural logs for each id"),
    ("--tokens", Path, "FILE", "'token id' a line; space by ▁, | or <space>"),
    ("--out", Path, "DIR", "what is written"),
    ("--lm", Path, "FILE", "word n-gram: ARPA or KenLM's binary"),
    ("--refs", Path, "FILE", "transcripts, Kaldi's text or a folder of ID.txt"),
    ("--beam-size", int, "N", "prefixes kept after each row"),
    ("--beam-threshold", float, "X", "prefixes so far (ln) below the best are dropped"),
    (
        "--token-threshold",
        float,
        "X",
        "tokens so far below the row's best are not tried",
    ),
    ("--lm-weight", float, "X", "of the LM (with hlg: its scale)"),
    ("--word-score", float, "Y", "added for every word"),
    ("--unk-score", float, "Z", "added for every word that the LM does not know"),
    ("--tune-log-probs", Path, "DEV.h5", "choose all these on other utterances"),
    ("--tune-refs", Path, "FILE", "transcripts of those"),
    ("--blank", int, "ID", "default: of the token <blk>, <blank>, <eps> or <pad>"),
    ("--frame-shift", float, "SECONDS", "between two rows (default 0.04)"),
    (
        "--lexicon",
        Path,
        "FILE",
        "'WORD token ...' a line, for hlg; default: LM's words",
    ),
    ("--hotwords", Path, "FILE", "'word weight' lines, for beam and beam-lm"),
    ("--nbest", int, "N", "hypotheses written (default 10)"),
    ("--write", str, "'A B'", f"of {' '.join(TIMED)}: words with times, in folders"),
    ("--nj", int, "N", "processes while tuning (default: this machine's cores)"),
)
# What beams alone have, and tuning chooses where it is not given.
OF_BEAMS = (*BOUNDS, "unk_score")


def run(arguments: Sequence[str]) -> int:
    """Decode as the options say; return the exit code.

    Raises:
        UsageError: options that do not fit together.
        RecipeError: a file that is missing or cannot be used.
    """
    given = build_parser().parse_args(arguments)
    method = given.method or ("beam-lm" if given.lm else "beam")
    check(given, method)
    given.out.mkdir(parents=True, exist_ok=True)
    job = ForeignJob(
        method=method,
        log_probs=given.log_probs,
        tokens=given.tokens,
        out=given.out,
        lm=given.lm,
        lexicon=given.lexicon,
        refs=given.refs,
        blank=given.blank,
        write=named("--write", given.write, TIMED),
    )
    options = search_options(given, method)
    with alone_in(given.out):
        try:
            if given.tune_log_probs:
                dev = given.tune_log_probs, given.tune_refs
                fixed = [n for n in OF_BEAMS if getattr(given, n) is not None]
                options = tune_foreign(job, *dev, options, tuning(), given.nj, fixed)
            decode_foreign(job, options)
        finally:
            remove(job.work)
    if given.refs:
        print(f"{job.out / 'results.tsv'}\n{table(job.out / 'results.tsv')}")
    return 0


@contextmanager
def alone_in(out: Path) -> Iterator[None]:
    """Hold the folder; UsageError if another command is writing there.

    The lock ends with the process, however that ends.
    """
    folder = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError(
            f"--out {out}: another command is writing there; wait, or name another"
        ) from None
    finally:
        os.close(folder)


def search_options(given: argparse.Namespace, method: str) -> SearchOptions:
    """The bounds of ``conf/recipe.yaml`` with what the command line says."""
    values = default_values()
    names = {key.removeprefix("decode."): key for key in values}
    fields = SearchOptions.__dataclass_fields__
    options = stated(
        {name: values[key] for name, key in names.items() if name in fields}
    )
    if given.lm_weight is not None:
        options[next(iter(REGISTRY[method].scales))] = given.lm_weight
    for name in ("word_score", *OF_BEAMS, "nbest"):
        if getattr(given, name) is not None:
            options[name] = getattr(given, name)
    if given.beam_size is not None:
        options["phone_beam_size"] = given.beam_size
    heard = read_hotwords(given.hotwords, fold_spaces) if given.hotwords else {}
    options["hotwords"] = tuple(HotWord(*item) for item in sorted(heard.items()))
    return SearchOptions(**options, frame_shift=given.frame_shift)


def tuning() -> dict[str, object]:
    """The ``tune`` section of ``conf/recipe.yaml``."""
    section = "tune."
    values = default_values().items()
    return {k.removeprefix(section): v for k, v in values if k.startswith(section)}


def check(given: argparse.Namespace, method: str) -> None:
    """Raise UsageError for options that would have no effect, or none that works."""
    scales = REGISTRY[method].scales
    tuned = bool(given.tune_log_probs)
    for wrong, words in (
        (REGISTRY[method].uses_lm and not given.lm, f"--method {method} needs --lm"),
        (given.lm and not REGISTRY[method].uses_lm, f"--method {method} uses no --lm"),
        (given.lm and not given.lm.is_file(), f"--lm {given.lm}: no such file"),
        (
            given.lexicon and not REGISTRY[method].needs_graph,
            f"--lexicon is for hlg, and {method} uses none",
        ),
        (
            tuned != bool(given.tune_refs),
            "--tune-log-probs and --tune-refs belong together",
        ),
        (tuned and not scales, f"--tune-log-probs: {method} has no scales to tune"),
        (
            tuned and (given.lm_weight, given.word_score) != (None, None),
            "--tune-log-probs chooses the scales: leave --lm-weight, --word-score out",
        ),
        (given.lm_weight is not None and not scales, f"{method} has no --lm-weight"),
        (
            given.word_score is not None and "word_score" not in scales,
            f"--method {method} has no --word-score",
        ),
        (
            not 0 < given.frame_shift < math.inf,
            f"--frame-shift {given.frame_shift}: seconds, above 0",
        ),
        (
            given.beam_size is not None and given.beam_size < 1,
            "--beam-size: at least 1",
        ),
        *(
            (
                getattr(given, name) is not None
                and not (
                    method.startswith("beam") if name in BOUNDS else name in scales
                ),
                f"--method {method} has no --{name.replace('_', '-')}",
            )
            for name in OF_BEAMS
        ),
        *(
            (
                value is not None and not value > 0,
                f"{name} {value}: above 0",
            )
            for name, value in (
                ("--beam-threshold", given.beam_threshold),
                ("--token-threshold", given.token_threshold),
            )
        ),
        *(
            (
                value is not None and not math.isfinite(value),
                f"{name} {value}: a number",
            )
            for name, value in (
                ("--lm-weight", given.lm_weight),
                ("--word-score", given.word_score),
                ("--unk-score", given.unk_score),
            )
        ),
        (
            method == "hlg" and (given.lm_weight or 0) < 0,
            "--lm-weight: 0 or more with --method hlg",
        ),
        (
            given.hotwords and not REGISTRY[method].listens,
            f"--hotwords is for beam and beam-lm, and {method} cannot listen for words",
        ),
        (given.nbest is not None and given.nbest < 1, "--nbest: at least 1"),
        (given.nj < 1, "--nj: at least 1"),
        (given.out.exists() and not given.out.is_dir(), f"--out {given.out}: a file"),
    ):
        if wrong:
            raise UsageError(words)


def build_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="local/decode_log_probs.sh",
        usage=USAGE,
        description="Decodes the log-probabilities of any CTC model.",
        epilog="Writes text, ctm, nbest.jsonl and timing.json into DIR, and with "
        "--refs results.tsv, wer, cer and scoring/. See docs/decode_log_probs.md.",
        allow_abbrev=False,
    )
    for name, kind, metavar, words in OPTIONS:
        needed = name in ("--log-probs", "--tokens", "--out")
        parser.add_argument(
            name, type=kind, metavar=metavar, help=words, required=needed
        )
    parser.add_argument(
        "--method",
        choices=METHODS_HERE,
        help="default: beam-lm where there is an --lm, else beam",
    )
    parser.set_defaults(write="", frame_shift=0.04, nj=len(os.sched_getaffinity(0)))
    return parser
