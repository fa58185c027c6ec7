"""Lines of the embedded corpus spoken: espeak-ng, noise and level, as WAV files."""

import hashlib
import os
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from asr.atomic import atomic_path
from asr.data.espeak import espeak
from asr.data.resample import Pcm, resample, to_pcm
from asr.data.synth_plan import Line, SynthSettings
from asr.data.synth_text import spoken


def say(line: Line, settings: SynthSettings) -> Pcm:
    """Return the (num_samples,) samples of one utterance, noise included."""
    speaker = line.speaker
    voice = espeak()
    pcm = voice.speak(spoken(line.text), speaker.voice, speaker.pitch, speaker.rate)
    samples = resample(
        np.frombuffer(pcm, np.int16), voice.sample_rate, settings.sample_rate
    )
    seed = hashlib.sha256(f"{settings.seed} {line.id}".encode()).digest()
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(seed[:8], "little")))
    low, high = settings.snr
    ratio = low + (high - low) * rng.random()  # dB
    power = int(np.square(samples.astype(np.int64)).sum()) / len(samples)
    noise = np.sqrt(power * 10 ** (-ratio / 10)) * rng.standard_normal(len(samples))
    level = (0.1 + 0.4 * rng.random()) * 32767  # of the highest sample
    gain = level / max(int(np.abs(samples.astype(np.int64)).max()), 1)
    return to_pcm(gain * (samples + noise))


def speak_chunk(lines: Sequence[Line], folder: Path, settings: SynthSettings) -> int:
    """Speak some lines in this process; return how many."""
    for line in lines:
        write_wav(folder / line.file, say(line, settings), settings.sample_rate)
    return len(lines)


def write_wav(path: Path, samples: Pcm, sample_rate: int) -> None:
    """Write mono 16-bit WAV, atomically. (FLAC would depend on the encoder.)"""
    with atomic_path(path) as partial, wave.open(os.fspath(partial), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())
