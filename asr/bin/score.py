"""Stage 9: score every decoder's hypotheses."""

import json
from pathlib import Path

from asr.atomic import remove
from asr.decode.nbest_file import read_nbest
from asr.errors import RecipeError
from asr.job import Job
from asr.score.calc_metrics import compare_texts
from asr.score.files import report_texts, write_report
from asr.score.oracle import oracle_errors
from asr.score.report import error_line
from asr.score.results import Result, table, write_phone_results, write_results
from asr.score.transcripts import read_texts
from asr.stage_files import (
    PHONE_RESULTS,
    REPORT,
    RESULTS,
    decoded_methods,
    phone_methods,
    scored_sets,
)
from asr.text.transcripts import read_speakers


def run(job: Job) -> None:
    """Write and print the tables of every set that stage 8 decoded; report.

    ``results.tsv`` has the decoders whose output is words, ``results_phones.tsv`` those
    whose output is phones; where there are none of a kind, its table is not there.
    """
    for name in job.decode_sets:
        folder = job.paths.decode_dir(name)
        for table_file in (RESULTS, PHONE_RESULTS):
            remove(folder / table_file)  # of transcripts, or decoders, that are gone
        if not (folder / "ref").is_file():
            print(f"{name}: no transcripts, so nothing to score", flush=True)
            continue
        methods = decoded_methods(folder)
        if not methods:
            raise RecipeError(f"{folder}: no decoder's output; run stage 8 (decode)")
        speakers = find_speakers(job, name)
        phones = phone_methods(folder)
        words = [_score_method(folder, m, speakers) for m in methods if m not in phones]
        if words:
            write_results(words, folder / RESULTS)
        said = [
            _score_method(folder, m, speakers, True) for m in methods if m in phones
        ]
        if said:
            write_phone_results(said, folder / PHONE_RESULTS)
    show(job)
    if scored_sets(job.paths.exp):
        from asr.bin import report  # reads audio: not needed to show a table again

        report.run(job)
    else:
        remove(job.paths.exp / REPORT)


def show(job: Job) -> None:
    """Print the tables again."""
    for name in job.decode_sets:
        path = job.paths.decode_dir(name) / RESULTS
        if path.is_file():
            print(f"{path}\n{table(path)}", flush=True)
        path = job.paths.decode_dir(name) / PHONE_RESULTS
        if path.is_file():
            print(f"phone errors, of decoders without lexicon: {path}\n{table(path)}")


def find_speakers(job: Job, name: str) -> dict[str, str] | None:
    """Speakers of the set's utterances, if the corpus knows those of all."""
    cuts = job.paths.feature_cuts(name)
    if job.test_dir is not None or not cuts.is_file():
        return None
    speakers = read_speakers(cuts)
    refs = read_texts(job.paths.decode_dir(name) / "ref")
    return speakers if refs.keys() <= speakers.keys() else None


def _score_method(
    folder: Path, method: str, speakers: dict[str, str] | None, phones: bool = False
) -> Result:
    """Score the utterances that have a transcript; every one has a hypothesis."""
    refs = read_texts(folder / ("ref_phones" if phones else "ref"))
    scores, untold = compare_texts(refs, read_texts(folder / method / "text"))
    if untold:
        print(f"{method}: {len(untold)} utterances without transcript not scored")
    unit = "PER" if phones else "WER"
    texts = report_texts(scores, speakers=speakers, unit=unit)
    write_report(texts, folder / method)
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
