"""Small sound files and manifests for the tests of asr/data."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from lhotse import RecordingSet, SupervisionSet
from numpy.typing import NDArray

from asr.data.corpus import Utterance, describe


def noise(seconds: float, rate: int = 16000, seed: int = 0) -> NDArray[np.float32]:
    """Return (num_samples,) noise."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.5, 0.5, round(seconds * rate)).astype(np.float32)


def write_sound(
    path: Path,
    seconds: float = 1.0,
    rate: int = 16000,
    seed: int = 0,
    channels: int = 1,
) -> Path:
    """Write noise in the format of the suffix; every channel its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = [noise(seconds, rate, seed + 100 * c) for c in range(channels)]
    kinds = {".sph": "NIST"}
    soundfile.write(
        str(path), np.stack(samples, axis=1), rate, format=kinds.get(path.suffix)
    )
    return path


def corpus(
    folder: Path, texts: dict[str, str], seconds: Sequence[float] = (1.0,)
) -> tuple[RecordingSet, SupervisionSet]:
    """Write one flac for each text and describe them; the speaker is ``id[0]``."""
    return describe(
        Utterance(
            id_,
            write_sound(folder / f"{id_}.flac", seconds[i % len(seconds)], seed=i),
            text,
            id_[0],
        )
        for i, (id_, text) in enumerate(texts.items())
    )
