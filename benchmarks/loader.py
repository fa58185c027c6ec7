"""How long a training waits for its data.

python -m benchmarks.loader --corpus an4 [--model NAME] [--data-dir DIR] [--hours H]

Trains the configured model on a part of a prepared corpus (stages 1 to 3) with the
recipe's own loader and updates, an epoch with each set of augmentations in turn. An
epoch's time runs from its plan to the end of its workers; waiting is all the time
spent in ``next(batches)``, the start of the workers included.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asr.bin.train import feasible, feature_augment, new_model, read_split
from asr.data.augment.feature_augment import FeatureAugment
from asr.data.dataset import Augment, Batch
from asr.job import Job
from asr.options import build_parser, make_job
from asr.text.tokenizer import Tokenizer
from asr.train.epoch import open_epoch
from asr.train.loop import Trainer
from asr.train.split import Split

SHOWN_WARP = 10  # frames of time warp, where the configuration has none


class Timed(Iterator[Batch]):
    """Passes batches on and counts the seconds until they came.

    Attributes:
        waits: one for each batch.
    """

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self.waits: list[float] = []

    def __next__(self) -> Batch:
        start = time.perf_counter()
        batch = next(self._batches)
        self.waits.append(time.perf_counter() - start)
        return batch


@dataclass(frozen=True)
class EpochTime:
    """Seconds of one epoch.

    Attributes:
        whole: all of it.
        first: waited for the first batch.
        waited: waited for all batches.
        batches: how many there were.
    """

    whole: float
    first: float
    waited: float
    batches: int


def main() -> None:
    """Print one line for each set of augmentations."""
    parser = build_parser(["train"])
    parser.add_argument("--hours", type=float, default=0.25, help="of train")
    parser.add_argument("--rounds", type=int, default=2)
    parser.set_defaults(model="conformer")
    options = parser.parse_args(["train", *sys.argv[1:]])
    with tempfile.TemporaryDirectory() as folder:
        options.exp_dir = Path(folder)
        job = make_job(options, stage=6)
        trainer = new_trainer(job, options.hours)
        settings = augmentations(job)
        times: dict[str, list[EpochTime]] = {name: [] for name in settings}
        for turn in range(options.rounds):
            for name, (augment, workers) in settings.items():
                times[name].append(train_epoch(trainer, turn, augment, workers))
                print(f"epoch {turn + 1}, {name}: {times[name][-1]}", flush=True)
    title = f"{options.corpus}, {options.model}, {trainer.stepper.dtype}"
    show(title, trainer.train.seconds, times)


def augmentations(job: Job) -> dict[str, tuple[Augment, int]]:
    """What happens to the features, and in how many workers."""
    train = job.config.train
    on: dict[str, Any] = {"enabled": True, "probability": 1.0}
    every = FeatureAugment(
        replace(
            train.augment,
            vtlp=replace(train.augment.vtlp, **on),
            gain=replace(train.augment.gain, **on),
            band_limit=replace(train.augment.band_limit, **on),
        ),
        replace(
            train.spec_augment,
            enabled=True,
            probability=1.0,
            time_warp=train.spec_augment.time_warp or SHOWN_WARP,
        ),
        job.config.fbank.sample_rate,
    )
    workers = f"{train.num_workers} worker(s)"
    return {
        f"as configured, {workers}": (feature_augment(job), train.num_workers),
        f"every augmentation always, {workers}": (every, train.num_workers),
        "every augmentation always, no worker": (every, 0),
    }


def new_trainer(job: Job, hours: float) -> Trainer:
    """A trainer on about so many hours, spread evenly over train."""
    tokenizer = Tokenizer.load(job.lang)
    train, _ = feasible(read_split(job, "train", tokenizer))
    dev = read_split(job, "dev", tokenizer)
    model = new_model(job, tokenizer.vocab_size)
    config = job.config.train
    part = thinned(train, hours)
    return Trainer(model, part, dev, tokenizer, config, job.paths.checkpoints, {})


def thinned(split: Split, hours: float) -> Split:
    """Every n-th utterance."""
    step = max(1, round(split.seconds / (3600 * hours)))
    return replace(split, utterances=split.utterances[::step])


def train_epoch(
    trainer: Trainer, turn: int, augment: Augment, num_workers: int
) -> EpochTime:
    """Train on every batch once, in shuffled order."""
    config = replace(trainer.config, num_workers=num_workers)
    number = config.sorted_epochs + turn
    start = time.perf_counter()
    with open_epoch(
        trainer.train, config, trainer.world, augment, number, start=0
    ) as epoch:
        feed = Timed(epoch.feed)
        for group in epoch.groups:
            trainer.stepper.step(group, feed, trainer.state)
    whole = time.perf_counter() - start
    return EpochTime(whole, feed.waits[0], sum(feed.waits), epoch.size)


def show(title: str, seconds: float, times: Mapping[str, Sequence[EpochTime]]) -> None:
    """Print the table; each line is the sum of the epochs."""
    print(f"\n{title}, {seconds / 3600:.2f} h\n")
    print("| | batches | seconds | waited | of that for the first batch | waited |")
    print("|---|---|---|---|---|---|")
    for name, epochs in times.items():
        whole = sum(e.whole for e in epochs)
        waited = sum(e.waited for e in epochs)
        print(
            f"| {name} | {sum(e.batches for e in epochs)} | {whole:.1f} "
            f"| {waited:.3f} | {sum(e.first for e in epochs):.3f} "
            f"| {100 * waited / whole:.2f} % |"
        )


if __name__ == "__main__":
    main()
