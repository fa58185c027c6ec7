"""Stage 9: score every decoder's hypotheses; also any two transcripts."""

import json
from pathlib import Path

from asr.atomic import remove
from asr.decode.nbest_file import read_nbest
from asr.errors import RecipeError
from asr.job import DECODERS, RESCORED, WITHOUT_LEXICON, Job
from asr.score.oracle import oracle_errors
from asr.score.report import error_line, score, write_report
from asr.score.results import Result, table, write_phone_results, write_results
from asr.score.transcripts import read_texts


def run(job: Job) -> None:
    """Write and print ``results.tsv`` of every set that stage 8 decoded."""
    for name in job.decode_sets:
        folder = job.paths.decode_dir(name)
        if not (folder / "ref").is_file():
            print(f"{name}: no transcripts, so nothing to score", flush=True)
            for table_file in ("results.tsv", "results_phones.tsv"):
                remove(folder / table_file)  # of transcripts that are gone
            continue
        known = (*DECODERS, RESCORED)
        methods = [m for m in known if (folder / m / "text").is_file()]
        if not methods:
            raise RecipeError(f"{folder}: no decoder's output; run stage 8 (decode)")
        phones = WITHOUT_LEXICON if (folder / "ref_phones").is_file() else ()
        words = [_score_method(folder, m) for m in methods if m not in phones]
        write_results(words, folder / "results.tsv")
        remove(folder / "results_phones.tsv")
        said = [_score_method(folder, m, True) for m in methods if m in phones]
        if said:
            write_phone_results(said, folder / "results_phones.tsv")
    show(job)


def show(job: Job) -> None:
    """Print the tables again."""
    for name in job.decode_sets:
        path = job.paths.decode_dir(name) / "results.tsv"
        if path.is_file():
            print(f"{path}\n{table(path)}", flush=True)
        path = job.paths.decode_dir(name) / "results_phones.tsv"
        if path.is_file():
            print(f"phone errors, of decoders without lexicon: {path}\n{table(path)}")


def main_score(ref: Path, hyp: Path, out: Path | None) -> int:
    """Score two transcripts; print both lines; write ``per_utt`` and them to ``out``.

    ``out`` is by default ``scoring_<name of HYP>`` beside HYP.
    """
    scores = score(read_texts(ref), read_texts(hyp))
    write_report(scores, out or hyp.resolve().parent / f"scoring_{hyp.resolve().stem}")
    print(error_line("WER", scores.wer))
    print(error_line("CER", scores.cer))
    return 0


def _score_method(folder: Path, method: str, phones: bool = False) -> Result:
    """Score the utterances that have a transcript; every one has a hypothesis."""
    refs = read_texts(folder / ("ref_phones" if phones else "ref"))
    hyps = read_texts(folder / method / "text")
    untold = len(set(hyps) - set(refs))
    if untold:
        print(f"{method}: {untold} utterances without transcript not scored")
    scores = score(refs, {id_: text for id_, text in hyps.items() if id_ in refs})
    write_report(scores, folder / method / "scoring", phones)
    unit = "PER" if phones else "WER"
    _print_oracle(method, refs, folder / method / "nbest.jsonl", unit)
    timing = json.loads((folder / method / "timing.json").read_text(encoding="utf-8"))
    return Result(method, scores.wer, scores.cer, timing["rtf"], timing["peak_rss_mb"])


def _print_oracle(method: str, refs: dict[str, str], path: Path, unit: str) -> None:
    """The least errors that rescoring of the n-best lists could have, if there are any."""
    found = read_nbest(path) if path.is_file() else []
    nbest = {n.id: n.texts for n in found}
    if any(len(texts) > 1 for texts in nbest.values()):
        told = {id_: ref for id_, ref in refs.items() if id_ in nbest}
        print(
            error_line(
                f"{unit} of {method}'s best in the n-best lists",
                oracle_errors(told, nbest),
            ),
            flush=True,
        )
