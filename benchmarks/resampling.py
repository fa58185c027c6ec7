"""Resampling to 16 kHz: the recipe's, lhotse's, torchaudio's, SciPy's.

python -m benchmarks.resampling

One core, ten seconds of noise in memory, CPU time. Before it measures, the command compares:
the recipe's, lhotse's and torchaudio's bits are the same.
"""

import argparse
import importlib.util
import time
from functools import partial

import numpy as np
import torch
from lhotse.augmentation.resample import Resample
from numpy.typing import NDArray
from scipy.signal import resample_poly

from asr.data.audio import resample
from benchmarks.rates import Competitors, measure_in_turn, one_core, show

Samples = NDArray[np.float32]
RATES = (44_100, 48_000, 22_050, 8_000)
WANTED, SECONDS, TIMES = 16_000, 10, 20


def main() -> None:
    """Print a table for each sample rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    one_core()
    for rate in RATES:
        wave = np.random.default_rng(0).uniform(-0.5, 0.5, SECONDS * rate)
        rates = measure_in_turn(
            competitors(wave.astype(np.float32), rate), options.rounds
        )
        show(f"{rate} Hz -> {WANTED} Hz", "seconds of audio a second", rates, "recipe")


def competitors(wave: Samples, rate: int) -> Competitors:
    """All of them, on one waveform."""
    tensor, divisor = torch.from_numpy(wave), np.gcd(rate, WANTED)
    lhotse = Resample(rate, WANTED)
    found = {
        "recipe": partial(resample, wave, rate, WANTED),
        "lhotse, kernel kept": partial(lhotse, tensor),
        "scipy.signal.resample_poly, another filter": partial(
            resample_poly, wave, WANTED // divisor, rate // divisor
        ),
    }
    if importlib.util.find_spec("torchaudio") is not None:
        import torchaudio

        kept = torchaudio.transforms.Resample(rate, WANTED)
        anew = torchaudio.functional.resample
        found["torchaudio, kernel kept"] = partial(kept, tensor)
        found["torchaudio, kernel made anew"] = partial(anew, tensor, rate, WANTED)
    for name, run in found.items():
        if "kept" in name and (np.asarray(run()) != found["recipe"]()).any():
            raise SystemExit(f"{name}: other samples at {rate} Hz")
    return {name: partial(many, run) for name, run in found.items()}


def many(run: partial[object]) -> float:
    """Seconds of audio a second of this process, which others slow down less."""
    began = time.process_time()
    for _ in range(TIMES):
        run()
    return TIMES * SECONDS / (time.process_time() - began)


if __name__ == "__main__":
    main()
