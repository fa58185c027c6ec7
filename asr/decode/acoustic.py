"""The acoustic model's pass: features in, log-probabilities on disk out."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from asr.decode.log_probs import write_log_probs
from asr.models.create import AcousticModel
from asr.progress import LineTimer

BATCH_SECONDS = 60.0  # padded; more gains nothing on a CPU


@dataclass(frozen=True)
class Input:
    """One utterance: (T, F) float32 log-mel, and its seconds of audio."""

    id: str
    features: NDArray[np.float32]
    duration: float


@torch.inference_mode()
def compute_log_probs(
    model: AcousticModel,
    inputs: Iterable[Input],
    out: Path,
    attributes: Mapping[str, Any],
) -> float:
    """Write every utterance's (ceil(T / 4), V) log-probs to ``out``, atomically.

    Results do not depend on the batches, because the models mask all padding. An
    utterance without a frame gets an empty matrix: it is decoded to nothing, and
    scored, rather than lost.

    Returns:
        Seconds that the model took, reading and writing not counted.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device).eval()
    busy, audio, timer = 0.0, 0.0, LineTimer()
    with write_log_probs(out, attributes) as writer:
        for group in grouped(inputs):
            lengths = torch.tensor([len(item.features) for item in group])
            began = time.perf_counter()
            log_probs, out_lengths = model(
                torch.from_numpy(_pad(group)).to(device), lengths.to(device)
            )
            rows = log_probs.cpu().numpy()
            busy += time.perf_counter() - began
            for item, row, length in zip(
                group, rows, out_lengths.tolist(), strict=True
            ):
                frames = length if len(item.features) else 0
                writer.add(item.id, row[:frames], len(item.features), item.duration)
            audio += sum(item.duration for item in group)
            if timer.due():
                print(f"log-probs: {audio:.0f} s of audio done", flush=True)
    return busy


def grouped(inputs: Iterable[Input]) -> Iterator[list[Input]]:
    """Neighbours in one batch as long as its padded size allows."""
    group: list[Input] = []
    longest = 0
    for item in inputs:
        longest = max(longest, len(item.features))
        if group and longest * (len(group) + 1) > BATCH_SECONDS * 100:
            yield group
            group, longest = [], len(item.features)
        group.append(item)
    if group:
        yield group


def _pad(group: list[Input]) -> NDArray[np.float32]:
    """Stack to (B, T, F), at least one frame long, zero where padded."""
    longest = max(1, max(len(item.features) for item in group))
    padded = np.zeros((len(group), longest, group[0].features.shape[1]), np.float32)
    for row, item in zip(padded, group, strict=True):
        row[: len(item.features)] = item.features
    return padded
