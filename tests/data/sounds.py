"""Small sound files and manifests for the tests of asr/data."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from lhotse import RecordingSet, SupervisionSet
from numpy.typing import NDArray

from asr.data.corpus import Utterance, describe
from asr.data.ffmpeg import find_ffmpeg


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


def voice(seconds: float, rate: int = 16000, pitch: float = 120) -> NDArray[np.float32]:
    """Return (num_samples,) harmonics of a gliding voice, loud and soft by turns."""
    time = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(pitch * (1.2 + 0.5 * np.sin(3 * time))) / rate
    wave = sum(np.sin(k * phase) / k for k in range(1, 12))
    return np.asarray(0.12 * wave * (1.1 + np.sin(9 * time)), dtype=np.float32)


def encode(
    wave: NDArray[np.float32], path: Path, *options: str, rate: int = 16000
) -> Path:
    """Write (num_samples, ...) as ffmpeg does, in the format of the suffix.

    Options follow the input; the last one may be ``-``, as of a program that writes to a
    pipe and cannot go back to the header.
    """
    program = find_ffmpeg()
    assert program is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    source = path.with_name(f".{path.name}.wav")
    soundfile.write(str(source), wave, rate)
    command = [program, "-y", "-v", "error", "-i", str(source), *options]
    if options[-1:] == ("-",):
        path.write_bytes(subprocess.run(command, check=True, stdout=-1).stdout)
    else:
        subprocess.run([*command, str(path)], check=True)
    source.unlink()
    return path


def by_ffmpeg(path: Path, rate: int = 16000) -> NDArray[np.float32]:
    """(num_samples,) as ffmpeg decodes and mixes a file."""
    command = [str(find_ffmpeg()), "-v", "quiet", "-i", str(path), "-map", "0:a:0"]
    command += ["-ac", "1", "-ar", str(rate), "-f", "f32le", "-"]
    done = subprocess.run(command, check=False, stdout=-1)
    return np.frombuffer(done.stdout, np.float32)


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
