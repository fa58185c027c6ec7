"""The logs of stage 6, as configured."""

import os
from functools import partial
from pathlib import Path

from asr.data.audio_examples import write_audio_examples
from asr.errors import UsageError
from asr.job import Job
from asr.text.units import Units
from asr.train.file_log import FileLog
from asr.train.illustrate import Illustrator
from asr.train.log import TrainLog, TrainLogs
from asr.train.split import Split
from asr.train.wandb_log import WandbLog, choose_mode


def new_log(job: Job, train: Split, dev: Split, tokenizer: Units) -> TrainLog:
    """Local files, and W&B unless it is off; the files come first, W&B reads them."""
    config, paths = job.config, job.paths
    illustrator = Illustrator(
        paths.log,
        dev,
        tokenizer.tokens,
        samples=config.log.samples,
        spectrograms=config.log.spectrograms,
        beam_size=config.log.beam_size,
        seed=config.train.seed,
        separator=tokenizer.separator,
        examples=partial(
            write_audio_examples,
            paths.feature_cuts("train"),
            train.texts,
            train.originals,
            number=config.log.audio,
            seed=config.train.seed,
            sample_rate=config.fbank.sample_rate,
        ),
    )
    return _with_wandb(job, paths.exp, illustrator)


def text_log(job: Job, folder: Path) -> TrainLog:
    """The same of a language model's training in ``folder``: numbers only."""
    return _with_wandb(job, folder, None)


def _with_wandb(job: Job, folder: Path, illustrator: Illustrator | None) -> TrainLog:
    config = job.config.log
    if config.every_steps < 1:
        raise UsageError(f"log.every_steps={config.every_steps}: at least 1")
    logs: list[TrainLog] = [FileLog(folder / "log", config.every_steps, illustrator)]
    mode = choose_mode(config.wandb, os.environ)
    if mode != "off":
        wandb = WandbLog(
            folder / "log",
            folder / "config.yaml",
            folder / "checkpoints" / "wandb_id",
            name="-".join(folder.absolute().parts[-2:]),
            project=config.project,
            mode=mode,
        )
        logs.append(wandb)
    return TrainLogs(logs)
