"""Stage 2: features of all splits."""

from dataclasses import replace
from pathlib import Path

from asr.data.augment.band import check_codec
from asr.data.augment.sounds import find_sounds
from asr.data.augment.wave_augment import WaveAugment
from asr.data.extract import extract_split
from asr.data.fbank import FbankSettings
from asr.data.jsonl import read_cuts
from asr.job import Job
from asr.stage_files import sound_folder


def run(job: Job) -> None:
    """Write shards, index and cuts with features; copies of any kind for train only."""
    fbank = job.config.fbank
    settings = FbankSettings(
        fbank.sample_rate,
        fbank.num_mel_bins,
        fbank.dtype,
        fbank.speeds,
        fbank.shard_minutes,
        level=fbank.level,
    )
    augmented = replace(settings, augment=wave_augment(job))
    plain = replace(settings, speeds=(1.0,))
    for split in job.splits:
        wanted = augmented if split == "train" else plain
        cuts = read_cuts(job.paths.cuts(split))
        extract_split(cuts, split, job.paths.fbank, wanted, job.nj)


def wave_augment(job: Job) -> WaveAugment | None:
    """What the augmented copies go through; None while all of it is switched off.

    Raises:
        RecipeError: a folder without usable sounds, or a codec that is not there.
    """
    fbank = job.config.fbank
    config = fbank.augment
    if not config.active_copies:
        return None
    if config.codec.enabled:
        for name in config.codec.formats:
            check_codec(name)
    return WaveAugment(
        config,
        fbank.sample_rate,
        find_folder(job, "noise", config.noise.folder) if config.noise.enabled else (),
        find_folder(job, "reverb", config.reverb.folder)
        if config.reverb.enabled
        else (),
    )


def find_folder(job: Job, part: str, folder: str | None) -> tuple[Path, ...]:
    """The sounds of ``fbank.augment.<part>.folder``; none where it is null."""
    if folder is None:
        return ()
    return find_sounds(sound_folder(job, folder), f"fbank.augment.{part}.folder")
