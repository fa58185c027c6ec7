"""Features: the recipe's stage 2, lhotse's batch extraction, kaldi-native-fbank.

python -m benchmarks.fbank --part download/LibriSpeech/train-clean-5

One core for each. Once waveforms in memory -> features in memory; once FLAC files ->
features on disk, by all that each tool does on the way (manifests, index, hashes).
"""

import argparse
import contextlib
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import soundfile
from lhotse import CutSet, Fbank, FbankConfig, LilcomChunkyWriter, NumpyHdf5Writer
from numpy.typing import NDArray

from asr.data.extract import extract_split
from asr.data.fbank import FbankSettings, compute, load_cut
from benchmarks.kaldi_native import kaldi_native_fbank, without_result
from benchmarks.librispeech import some_cuts
from benchmarks.rates import Competitors, measure_in_turn, one_core, show

Samples = NDArray[np.float32]
SETTINGS = FbankSettings(16000, 80, "float16", (1.0,), shard_minutes=60.0)
BATCH_SECONDS = (30.0, 100.0, 600.0)  # 600: what lhotse takes by itself
PADDED = 2  # frames at an utterance's end that see a batch's padding


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    one_core()
    cuts = some_cuts(options.part, options.minutes)
    seconds = sum(cut.duration for cut in cuts)
    waves = [load_cut(cut, SETTINGS.sample_rate) for cut in cuts]
    print(f"{len(waves)} utterances, {seconds / 60:.1f} min", flush=True)
    check_equal(waves[:20])
    rates = measure_in_turn(in_memory(waves, seconds), options.rounds)
    show("waveform -> features", "seconds of audio a second", rates, "recipe")
    with tempfile.TemporaryDirectory() as folder:
        whole = measure_in_turn(to_disk(cuts, seconds, Path(folder)), options.rounds)
    show("files -> stored features", "seconds of audio a second", whole, "recipe")


def check_equal(waves: list[Samples]) -> None:
    """Stop unless all compute the same, but for what a batch's padding changes."""
    batch = Fbank(config()).extract_batch(waves, 16000)
    for samples, theirs in zip(waves, batch, strict=True):
        ours = compute(samples, 16000, 80)
        assert np.abs(ours - kaldi_native_fbank(samples)).max() < 5e-3
        assert np.abs(ours - theirs)[:-PADDED].max() < 5e-3


def config() -> FbankConfig:
    """Lhotse's, equal to the recipe's."""
    return FbankConfig(sampling_rate=16000, num_filters=80, dither=0.0)


def in_memory(waves: list[Samples], seconds: float) -> Competitors:
    """The competitors for the first table."""

    def each(function: Callable[[Samples], object]) -> float:
        return rate(seconds, lambda: [function(samples) for samples in waves])

    fbank = Fbank(config())

    def batches(size: float) -> float:
        joined = list(batched(waves, size))
        return rate(
            seconds, lambda: [fbank.extract_batch(batch, 16000) for batch in joined]
        )

    found: Competitors = {
        "recipe": partial(each, lambda samples: compute(samples, 16000, 80))
    }
    for size in BATCH_SECONDS:
        found[f"lhotse extract_batch, {size:.0f} s"] = partial(batches, size)
    found["kaldi-native-fbank"] = partial(each, kaldi_native_fbank)
    found["the same, frames not fetched"] = partial(each, without_result)
    return found


def to_disk(cuts: CutSet, seconds: float, folder: Path) -> Competitors:
    """The competitors for the second table."""
    numbers = itertools.count()

    def fresh(store: Callable[[Path], object]) -> float:
        target = folder / str(next(numbers))
        target.mkdir()
        with silent():
            result = rate(seconds, lambda: store(target))
        shutil.rmtree(target)
        return result

    def recipe(target: Path) -> None:
        extract_split(cuts, "train", target, SETTINGS, nj=1)

    def lhotse(storage: type, size: float, target: Path) -> None:
        cuts.compute_and_store_features_batch(
            Fbank(config()),
            storage_path=target / "features",
            manifest_path=target / "cuts.jsonl.gz",
            batch_duration=size,
            num_workers=0,
            storage_type=storage,
        )

    found: Competitors = {"recipe": partial(fresh, recipe)}
    for storage in (LilcomChunkyWriter, NumpyHdf5Writer):
        for size in (30.0, 600.0):
            name = f"lhotse {storage.name}, {size:.0f} s"
            found[name] = partial(fresh, partial(lhotse, storage, size))
    native = partial(store_kaldi_native, cuts)
    found["soundfile, kaldi-native-fbank, h5py"] = partial(fresh, native)
    return found


def store_kaldi_native(cuts: CutSet, target: Path) -> None:
    """The shortest program around kaldi-native-fbank."""
    with h5py.File(target / "features.h5", "w") as file:
        for cut in cuts:
            path = cut.recording.sources[0].source
            samples, _ = soundfile.read(path, dtype="float32")
            features = kaldi_native_fbank(samples).astype(np.float16)
            file.create_dataset(cut.id, data=features)


def batched(waves: list[Samples], seconds: float) -> Iterator[list[Samples]]:
    """Join waveforms to batches of at least so many seconds."""
    batch: list[Samples] = []
    for samples in waves:
        batch.append(samples)
        if sum(map(len, batch)) >= 16000 * seconds:
            yield batch
            batch = []
    if batch:
        yield batch


def rate(seconds: float, work: Callable[[], object]) -> float:
    """Seconds of audio a second."""
    start = time.perf_counter()
    work()
    return seconds / (time.perf_counter() - start)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Nothing of the tools' own progress appears."""
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


if __name__ == "__main__":
    main()
