"""``report``: one page on everything that stages 6 to 9 have left of an experiment."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from asr.atomic import write_text
from asr.data.clips import corpus_clips, folder_clips
from asr.errors import RecipeError
from asr.job import Job
from asr.owner import OWNER
from asr.score.calc_metrics import compare_texts
from asr.score.experiment import Decoder, TestSet
from asr.score.page import report_page
from asr.score.transcripts import read_texts
from asr.stage_files import REPORT, decoded_methods, phone_methods, scored_sets
from asr.train.log_files import CURVES, METRICS
from asr.train.metrics import read_metrics


def run(job: Job) -> None:
    """Write ``report.html`` into the experiment's folder.

    Raises:
        RecipeError: nothing has been scored there.
    """
    exp = job.paths.exp
    sets = list(read_sets(exp))
    if not sets:
        raise RecipeError(f"{exp}: no results to report; run stages 8 and 9 first")
    clips = {
        (found.name, id_): clip
        for found in sets
        for id_, clip in read_clips(job, found).items()
    }
    config = exp / "config.yaml"
    text = config.read_text(encoding="utf-8") if config.is_file() else ""
    page = report_page(str(exp), text, read_curves(job.paths.log), sets, clips)
    write_text(exp / REPORT, page)
    print(f"report: {exp / REPORT} ({len(page) / 2**20:.1f} MiB)", flush=True)


def read_sets(exp: Path) -> Iterator[TestSet]:
    """All that have been scored; one that is just being decoded anew is passed over."""
    for folder in scored_sets(exp):
        try:
            found = read_set(folder)
        except RecipeError as error:
            print(f"report: {folder} is left out: {error}", flush=True)
            continue
        if found.decoders:
            yield found


def read_set(folder: Path) -> TestSet:
    """The decoders whose hypotheses lie in ``folder``, all against its ``ref``.

    Phones are not to be compared with words: decoders whose output they are make up the
    set only where there are no others, and then with the transcripts in phones.
    """
    name, phones = folder.name.removeprefix("decode_"), phone_methods(folder)
    methods = decoded_methods(folder)
    words = [method for method in methods if method not in phones]
    refs = read_texts(folder / ("ref" if words or not methods else "ref_phones"))

    def decoders() -> Iterator[Decoder]:
        for method in words or methods:
            scores, _ = compare_texts(refs, read_texts(folder / method / "text"))
            timing = json.loads((folder / method / "timing.json").read_text("utf-8"))
            yield Decoder(method, scores, timing["rtf"], timing["peak_rss_mb"])

    return TestSet(name, list(decoders()), "WER" if words else "PER")


def read_clips(job: Job, found: TestSet) -> dict[str, bytes]:
    """Audio of the worst utterances, of a user's folder or of the corpus."""
    rate = job.config.fbank.sample_rate
    owner = job.paths.decode_dir(found.name) / OWNER
    if owner.is_file():
        folder = Path(owner.read_text(encoding="utf-8").strip())
        return folder_clips(folder, found.worst, rate)
    return corpus_clips(job.paths.feature_cuts(found.name), found.worst, rate)


def read_curves(log: Path) -> bytes | None:
    """The picture of the training; drawn if it is not there, None without a log."""
    if (log / CURVES).is_file():
        return (log / CURVES).read_bytes()
    if not (log / METRICS).is_file():
        return None
    from asr.plot.curves import draw_curves

    with tempfile.TemporaryDirectory() as folder:
        draw_curves(read_metrics(log / METRICS), Path(folder) / CURVES)
        return (Path(folder) / CURVES).read_bytes()
