"""Stage 2: features of all splits."""

from dataclasses import replace

from asr.data.extract import extract_split
from asr.data.fbank import FbankSettings
from asr.data.jsonl import read_cuts
from asr.job import Job


def run(job: Job) -> None:
    """Write shards, index and cuts with features; speed copies for train only."""
    fbank = job.config.fbank
    settings = FbankSettings(
        fbank.sample_rate,
        fbank.num_mel_bins,
        fbank.dtype,
        fbank.speeds,
        fbank.shard_minutes,
    )
    for split in job.splits:
        wanted = settings if split == "train" else replace(settings, speeds=(1.0,))
        cuts = read_cuts(job.paths.cuts(split))
        extract_split(cuts, split, job.paths.fbank, wanted, job.nj)
