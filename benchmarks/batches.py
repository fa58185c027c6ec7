"""Batches as a training sees them."""

from pathlib import Path

from asr.bin.train import feasible, read_split
from asr.data.dataset import Batch, BatchDataset
from asr.options import TRAIN, build_parser, make_job
from asr.text.tokenizer import Tokenizer


def training_batches(
    corpus: str, data_dir: Path, seconds: float, number: int
) -> tuple[list[Batch], int]:
    """Take the first batches of a training's second epoch, whose order is random.

    Args:
        corpus: a folder in egs/.
        data_dir: what its stages 0 to 3 have made.
        seconds: of a batch, padding included, at most.
        number: of batches.

    Returns:
        The batches, each from long to short, as RNNs on packed input want them; and the
        number of tokens, blank included.
    """
    options = ["train", "--corpus", corpus, "--data-dir", str(data_dir)]
    options += ["--model", "conformer"]
    job = make_job(build_parser().parse_args(options), TRAIN)
    tokenizer = Tokenizer.load(job.lang)
    split, _ = feasible(read_split(job, "train", tokenizer))
    plan = split.plan(seconds, seed=job.config.train.seed, epoch=1, by_length=False)
    chosen = [
        sorted(batch, key=lambda i: -split.utterances[i].num_frames)
        for batch in plan[:number]
    ]
    dataset = BatchDataset(split.reader, split.utterances, chosen)
    return [dataset[i] for i in range(len(chosen))], tokenizer.vocab_size
