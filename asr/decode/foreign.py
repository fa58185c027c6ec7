"""Decoding what other people's models give, with everything the recipe has."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.atomic import remove, write_text
from asr.decode.decoded import decoded_files
from asr.decode.foreign_graph import build_foreign_graph, is_arpa
from asr.decode.foreign_log_probs import (
    check_same_ids,
    foreign_ids,
    import_log_probs,
)
from asr.decode.log_probs import read_recordings
from asr.decode.matrix import decode_in_child
from asr.decode.methods import METHODS, REGISTRY, SearchOptions
from asr.decode.timed_text import write_timed
from asr.decode.tune import DevSet, axes_of, bounds_of, tune_method
from asr.fsa.lexicon import read_arpa_words
from asr.job import TIMED
from asr.score.calc_metrics import score
from asr.score.files import report_texts, write_report
from asr.score.results import Result, write_results
from asr.score.transcripts import read_texts
from asr.text.foreign_tokens import ForeignTokens, read_foreign_tokens
from asr.text.tokenizer import WORD_START

# Those that need nothing but what the command takes.
METHODS_HERE = tuple(
    m for m in METHODS if m in ("greedy", "beam", "beam-lm", "ctc", "hlg")
)
SCORED = ("results.tsv", "wer", "cer", "scoring")
FILES = ("text", "ctm", "nbest.jsonl", "timing.json", *TIMED, *SCORED)


@dataclass(frozen=True)
class ForeignJob:
    """One set to decode.

    Attributes:
        method: one of METHODS_HERE.
        log_probs: HDF5, a (T, V) dataset an utterance id, natural log.
        tokens: ``token id`` lines in any of the known forms.
        out: folder of the results; it exists.
        lm: n-gram, for methods that use one.
        lexicon: spellings in the model's tokens, for graphs.
        refs: transcripts; the same ids as the log-probs.
        blank: its id, where no name tells it.
        write: words with times in these forms too (``asr.job.TIMED``).
    """

    method: str
    log_probs: Path
    tokens: Path
    out: Path
    lm: Path | None = None
    lexicon: Path | None = None
    refs: Path | None = None
    blank: int | None = None
    write: tuple[str, ...] = ()

    @property
    def work(self) -> Path:
        """Log-probs in the recipe's form, removed in the end."""
        return self.out / ".partial-log-probs"

    @property
    def lang_dir(self) -> Path:
        """Tokens in the recipe's form, and the graph."""
        return self.out / "lang"


def tune_foreign(
    job: ForeignJob,
    log_probs: Path,
    refs: Path,
    options: SearchOptions,
    tune: Mapping[str, Any],
    nj: int,
    fixed: Collection[str] = (),
) -> SearchOptions:
    """Choose the method's scales and bounds on other utterances, and print them.

    Args:
        log_probs, refs: those utterances.
        tune: values of each scale and bound as ``<name>s``, ``steps``, ``max_seconds``.
        nj: processes.
        fixed: names of those that ``options`` have decided.
    """
    texts = _refs_of(refs, log_probs)
    tokens = _prepare(job)
    dev = _import(job, tokens, log_probs, options.frame_shift)
    entry = REGISTRY[job.method]
    axes = axes_of(entry.scales, tune, fixed)
    bounds = bounds_of(entry.bounds(job.lang_dir), tune, fixed)
    options = tune_method(
        job.method,
        DevSet(dev, texts, tune["max_seconds"]),
        axes,
        bounds=bounds,
        lang_dir=job.lang_dir,
        lm=job.lm,
        options=options,
        nj=nj,
        plot=job.out / f"{job.method}_scales.png",
    )
    chosen = ", ".join(
        f"{name} {getattr(options, name):g}" for name in (*axes, *bounds)
    )
    print(f"{job.method}: chosen on {log_probs}: {chosen}", flush=True)
    return options


def decode_foreign(job: ForeignJob, options: SearchOptions) -> None:
    """Decode, and write ``text``, ``ctm``, ``nbest.jsonl`` and ``timing.json``.

    With ``refs`` also ``results.tsv`` (one line, the columns of stage 9), ``wer``,
    ``cer`` and ``scoring/``. Files of an earlier run are replaced.

    Raises:
        RecipeError: a file is missing or damaged; shapes, rows or ids do not fit.
    """
    refs = None if job.refs is None else _refs_of(job.refs, job.log_probs)
    tokens = _prepare(job)
    source = _import(job, tokens, job.log_probs, options.frame_shift)
    decoded = decode_in_child(job.method, source, job.lang_dir, job.lm, options)
    for name in FILES:
        remove(job.out / name)
    files = decoded_files(job.method, decoded, options, tokens.written)
    for name, content in files.items():
        write_text(job.out / name, content)
    stored = read_recordings(source).items()
    write_timed(job.out, job.write, {id_: found.duration for id_, found in stored})
    hyps = {id_: nbest[0].text for id_, nbest in decoded.nbest.items()}
    if job.lm is not None and (tokens.show_words or REGISTRY[job.method].needs_graph):
        warn_of_unknown_words(list(hyps.values()), job.lm)
    if refs is not None:
        scores = score(refs, hyps)
        write_report(report_texts(scores), job.out)
        speed = decoded.rtf, decoded.peak_rss_mb
        result = Result(job.method, scores.wer, scores.cer, *speed)
        write_results([result], job.out / "results.tsv")


def warn_of_unknown_words(texts: Sequence[str], lm: Path) -> None:
    """Say if the LM does not know most of what was recognised, as in another case."""
    from asr.lm.ngram import NgramLm

    words = [word for text in texts for word in text.split()]
    known = set(read_arpa_words(lm)) if is_arpa(lm) else NgramLm(lm)
    unknown = [word for word in words if word not in known]
    if 2 * len(unknown) > len(words):
        print(
            f"{lm} does not know {len(unknown)} of the {len(words)} words recognised "
            f"({unknown[0]}, ...): is it for another language, or upper case?",
            flush=True,
        )


def _refs_of(refs: Path, log_probs: Path) -> dict[str, str]:
    """Transcripts; RecipeError unless they are those of the log-probs."""
    texts = read_texts(refs)
    check_same_ids(str(log_probs), foreign_ids(log_probs), str(refs), list(texts))
    return texts


def _prepare(job: ForeignJob) -> ForeignTokens:
    """Read the tokens; write them in the recipe's form, and the graph if it is used."""
    tokens = read_foreign_tokens(job.tokens, job.blank)
    text = "".join(f"{token} {i}\n" for i, token in enumerate(tokens.tokens))
    target = job.lang_dir / "tokens.txt"
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        remove(job.lang_dir)  # lexicon and graph are another model's
    write_text(target, text)
    if REGISTRY[job.method].needs_graph and job.lm is not None:
        build_foreign_graph(tokens, job.lm, job.lexicon, job.lang_dir)
    elif not tokens.show_words:
        print(
            f"{job.tokens}: no token begins a word (with {WORD_START}) and none is a "
            "space (<space> or |): what is recognised has one word an utterance; --method "
            "hlg with --lexicon FILE finds words",
            flush=True,
        )
    return tokens


def _import(
    job: ForeignJob, tokens: ForeignTokens, source: Path, frame_shift: float
) -> Path:
    """The log-probs in the recipe's form, in the folder for passing files."""
    target = job.work / "log_probs.h5"
    end_row = REGISTRY[job.method].needs_graph
    import_log_probs(source, target, tokens, frame_shift, end_row=end_row)
    return target
