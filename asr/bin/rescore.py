"""``rescore``: the n-best lists of ``beam-lm`` in the order of a neural LM.

Works on the log-probs that stages 7 and 8 have left; their outputs stay as they are.
"""

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from asr.atomic import atomic_path, write_text
from asr.bin import score
from asr.bin.search import search_options, search_signatures
from asr.decode.child import peak_rss_mb
from asr.decode.matrix import run_method
from asr.decode.methods import METHODS
from asr.decode.nbest_file import NBest, ctm_text, nbest_text, read_nbest
from asr.decode.rescore import RescoreScales, ScoreParts, reorder, score_parts
from asr.decode.tune_rescore import tune_rescore
from asr.errors import RecipeError, UsageError
from asr.fingerprint import fingerprint
from asr.job import RESCORED, RESCORED_LISTS, Job
from asr.lm.neural import CachedLm, SentenceLm
from asr.provenance import git_commit
from asr.text.transcripts import read_transcripts

BASE = "beam-lm"


def run(job: Job) -> None:
    """Choose the scales on dev, write ``rescore.yaml``, rescore and score the test sets.

    Raises:
        UsageError: there are hot words.
        RecipeError: stage 7 or 8 has not been run, or there is no neural LM.
    """
    if job.hotwords:
        raise UsageError(
            "--hotwords is for stage 8: a new order would not know of them"
        )
    lm = CachedLm(load_lm(job))
    scales = _tune(job, lm)
    options = dict.fromkeys(METHODS, search_options(job))
    signature = search_signatures(job, options)[BASE]
    for name in job.decode_sets:
        folder = job.paths.decode_dir(name)
        rescore_folder(job, lm, scales, folder)
        # Stage 8 removes what these do not fit any more.
        for made in (RESCORED, RESCORED_LISTS):
            write_text(folder / made / "signature", signature)
    score.run(job)


def load_lm(job: Job) -> SentenceLm:
    """``rescore.lm``, or the recipe's own."""
    settings = job.config.rescore
    if settings.lm is not None:
        from asr.lm.huggingface import HuggingFaceLm

        return HuggingFaceLm(settings.lm, settings.case)
    from asr.lm.neural import NeuralLm

    return NeuralLm.load(job.neural_lm / "lm.pt")


def rescore_folder(
    job: Job, lm: SentenceLm, scales: RescoreScales, folder: Path
) -> None:
    """Write ``rescored``: ``text``, ``nbest.jsonl`` and ``timing.json``."""
    nbests = _search(job, folder)
    base = json.loads(
        (folder / RESCORED_LISTS / "timing.json").read_text(encoding="utf-8")
    )
    began = time.perf_counter()
    parts = _parts(nbests, lm, base["options"])
    ordered = [
        dataclasses.replace(nbest, rows=reorder(nbest, part, scales))
        for nbest, part in zip(nbests, parts, strict=True)
    ]
    seconds = time.perf_counter() - began
    texts = sum(len(set(nbest.texts)) for nbest in nbests)
    print(
        f"{folder / RESCORED}: {texts} hypotheses of {len(nbests)} utterances scored "
        f"in {seconds:.1f} s, {1000 * seconds / max(1, texts):.2f} ms each",
        flush=True,
    )
    _write(folder / RESCORED, ordered, _timing(base, seconds, scales))


def _tune(job: Job, lm: SentenceLm) -> RescoreScales:
    """Choose the scales on dev and write them down."""
    config = job.config.rescore
    nbests = _search(job, job.paths.decode_dir("dev"))
    scales = tune_rescore(
        nbests,
        _parts(nbests, lm, dataclasses.asdict(search_options(job))),
        read_transcripts(job.paths.cuts("dev")),
        lm_weights=config.lm_weights,
        neural_shares=config.neural_shares,
        word_scores=config.word_scores,
    )
    chosen = {
        "commit": git_commit(),
        "tuned_on": "dev",
        "lm": config.lm or fingerprint(job.neural_lm / "lm.pt"),
        **dataclasses.asdict(scales),
    }
    target = job.paths.exp / "rescore.yaml"
    write_text(target, yaml.safe_dump(chosen, sort_keys=False))
    return scales


def _search(job: Job, folder: Path) -> list[NBest]:
    """Lists of ``rescore.nbest`` hypotheses, by ``beam-lm`` with its frozen scales."""
    log_probs, number = folder / "log_probs.h5", job.config.rescore.nbest
    if not log_probs.is_file():
        raise RecipeError(f"{log_probs}: not found; run stages 7 and 8 first")
    frozen = search_options(job)
    options = dataclasses.replace(
        frozen,
        nbest=number,
        beam_size=max(number, frozen.beam_size),
        phone_beam_size=max(number, frozen.phone_beam_size),
    )
    lists = folder / RESCORED_LISTS
    run_method(
        BASE, log_probs, lists, lang_dir=job.lang, lm=job.lm_file, options=options
    )
    return read_nbest(lists / "nbest.jsonl", number)


def _parts(
    nbests: Sequence[NBest], lm: SentenceLm, search: dict[str, Any]
) -> list[ScoreParts]:
    """All texts are scored together: batches of one length, and each text once."""
    neural = iter(lm.score([text for nbest in nbests for text in nbest.texts]))
    return [
        score_parts(
            nbest.rows,
            [next(neural) for _ in nbest.rows],
            lm_weight=search["lm_weight"],
            word_score=search["word_score"],
        )
        for nbest in nbests
    ]


def _timing(
    base: dict[str, Any], seconds: float, scales: RescoreScales
) -> dict[str, Any]:
    """Of the search and the rescoring together."""
    search = base["search_seconds"] + seconds
    return {
        **base,
        "method": RESCORED,
        "search_seconds": round(search, 3),
        "rescore_seconds": round(seconds, 3),
        "rtf": round(search / base["audio_seconds"], 6) if base["audio_seconds"] else 0,
        "peak_rss_mb": round(peak_rss_mb(), 1),
        "scales": dataclasses.asdict(scales),
    }


def _write(out: Path, nbests: Sequence[NBest], timing: dict[str, Any]) -> None:
    text = "".join(f"{n.id} {n.texts[0]}".rstrip() + "\n" for n in nbests)
    with atomic_path(out) as partial:
        partial.mkdir()
        (partial / "text").write_text(text, encoding="utf-8")
        (partial / "nbest.jsonl").write_text(nbest_text(nbests), encoding="utf-8")
        (partial / "ctm").write_text(ctm_text(nbests), encoding="utf-8")
        (partial / "timing.json").write_text(json.dumps(timing, indent=1) + "\n")
