"""``augment_gallery``: what every augmentation does to one training utterance."""

import difflib
from pathlib import Path

from lhotse.cut import MonoCut

from asr.bin.fbank import find_folder
from asr.data.augment.examples import (
    Example,
    feature_examples,
    original,
    speed_examples,
    wave_examples,
)
from asr.data.augment.gallery import write_gallery
from asr.data.augment.wave_augment import WaveAugment
from asr.data.fbank import load_cut
from asr.data.jsonl import read_cuts
from asr.data.level import to_level
from asr.errors import RecipeError, UsageError
from asr.job import Job

SECONDS = (2.0, 6.0)  # of an utterance chosen by the recipe: easy to see and to hear
SPEEDS = (0.9, 1.1)  # shown where the corpus has none


def run(job: Job, utterance: str | None, out: Path | None) -> None:
    """Write the page into ``out``, by default ``augment_gallery`` in the data folder.

    Raises:
        UsageError: there is no such training utterance.
        RecipeError: stage 1 has not been run, or its audio cannot be read.
    """
    cut = choose_cut(job.paths.cuts("train"), utterance)
    page = write_gallery(
        examples(job, cut),
        out or job.paths.data / "augment_gallery",
        f"Augmentations of {cut.id}",
        cut.supervisions[0].text or "",
        job.config.fbank.sample_rate,
    )
    print(page, flush=True)


def choose_cut(path: Path, utterance: str | None) -> MonoCut:
    """The named cut, else the first of a handy length, else the first."""
    cuts = list(read_cuts(path))
    if utterance is None:
        low, high = SECONDS
        return next((c for c in cuts if low <= c.duration <= high), cuts[0])
    by_id = {cut.id: cut for cut in cuts}
    if utterance not in by_id:
        near = difflib.get_close_matches(utterance, by_id, n=1, cutoff=0.0)
        raise UsageError(
            f"--utt {utterance}: not in {path}; the nearest id is {near[0]}"
        )
    return by_id[utterance]


def examples(job: Job, cut: MonoCut) -> list[Example]:
    """The original and everything that the configuration knows to do with it."""
    fbank, train = job.config.fbank, job.config.train
    rate, bins = fbank.sample_rate, fbank.num_mel_bins
    speeds = [s for s in fbank.speeds if s != 1.0] or SPEEDS
    cuts = {1.0: cut, **{s: cut.perturb_speed(s) for s in speeds}}
    heard = {s: to_level(load_cut(c, rate), rate, fbank.level) for s, c in cuts.items()}
    before = original(heard.pop(1.0), rate, bins)
    wave = WaveAugment(
        fbank.augment,
        rate,
        _sounds_or_none(job, "noise", fbank.augment.noise.folder),
        _sounds_or_none(job, "reverb", fbank.augment.reverb.folder),
    )
    return [
        before,
        *speed_examples(heard, rate, bins),
        *wave_examples(before, wave),
        *feature_examples(
            before.features, train.augment, train.spec_augment, rate, train.seed
        ),
    ]


def _sounds_or_none(job: Job, part: str, folder: str | None) -> tuple[Path, ...]:
    try:
        return find_folder(job, part, folder)
    except RecipeError as error:
        how = "not shown" if part == "noise" else "shown with simulated rooms"
        print(f"{part} is {how}: {error}", flush=True)
        return ()
