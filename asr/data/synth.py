"""The embedded corpus: text, voices and noise are drawn with a seed, then spoken.

The same options give the same files, byte for byte, in any order and by any number
of processes: a sound file depends on its own line of the plan alone.
"""

import hashlib
import json
import multiprocessing
import os
import time
import wave
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from asr.atomic import atomic_path, remove, write_text
from asr.data.espeak import espeak
from asr.data.resample import Pcm, resample, to_pcm
from asr.data.synth_text import sentences, spoken
from asr.errors import RecipeError

PROGRESS_SECONDS = 5.0
CHUNK = 20  # utterances given to a process at a time


@dataclass(frozen=True)
class Speaker:
    """A voice of espeak-ng at one pitch and speed."""

    voice: str
    pitch: int  # 0 to 99
    rate: int  # words a minute

    @property
    def id(self) -> str:
        """Name for ids and folders, such as ``en-us.f3.p40.r150``."""
        return f"{self.voice.replace('+', '.')}.p{self.pitch}.r{self.rate}"


@dataclass(frozen=True)
class Line:
    """One utterance of the plan."""

    split: str
    id: str
    speaker: Speaker
    text: str

    @property
    def file(self) -> str:
        """Sound file, relative to the corpus's folder."""
        return f"{self.split}/{self.speaker.id}/{self.id}.wav"


@dataclass(frozen=True)
class SynthSettings:
    """All that decides the corpus.

    Attributes:
        sizes: number of utterances by split.
        speakers: by split; no voice may be in two of them.
        snr: lowest and highest signal-to-noise ratio in dB, drawn per utterance.
    """

    seed: int
    sample_rate: int
    sizes: dict[str, int]
    speakers: dict[str, tuple[Speaker, ...]]
    snr: tuple[float, float]


def parse_speaker(text: str) -> Speaker:
    """Read ``"en-us+f3 40 150"``: voice, pitch, words a minute."""
    fields = text.split()
    if len(fields) != 3 or not (fields[1].isdigit() and fields[2].isdigit()):
        raise RecipeError(
            f"corpus.options: speaker {text!r} is not 'VOICE PITCH RATE', "
            "such as 'en-us+f3 40 150'"
        )
    return Speaker(fields[0], int(fields[1]), int(fields[2]))


def plan(settings: SynthSettings) -> list[Line]:
    """Lay down who says what.

    A sentence of train is never said in dev or test, nor one of dev in test; within
    a split sentences may repeat. Speakers take turns.

    Raises:
        RecipeError: a voice is in two splits.
    """
    _check_voices(settings)
    lines: list[Line] = []
    taken: set[str] = set()
    for split, count in settings.sizes.items():
        texts = sentences(count, f"{settings.seed} {split}", avoid=taken)
        taken.update(texts)
        speakers = settings.speakers[split]
        for number, text in enumerate(texts):
            speaker = speakers[number % len(speakers)]
            lines.append(Line(split, f"{speaker.id}-{number:04d}", speaker, text))
    return lines


def generate(folder: Path, settings: SynthSettings, nj: int) -> None:
    """Write ``folder/<split>.tsv`` (id, speaker, file, text) and the sound files.

    Files of an interrupted run with the same options are kept; those of other
    options are removed.
    """
    lines = plan(settings)
    digest = _digest(lines, settings)
    if _holds(folder / ".complete", digest):
        print(f"{folder}: already there", flush=True)
        return
    if not _holds(folder / ".plan", digest):
        remove(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / ".plan", digest + "\n")
    for split in settings.sizes:
        _write_transcripts(lines, split, folder)
    todo = [line for line in lines if not (folder / line.file).exists()]
    _speak_all(todo, folder, settings, nj)
    write_text(folder / ".complete", digest + "\n")


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


def _speak_all(
    lines: Sequence[Line], folder: Path, settings: SynthSettings, nj: int
) -> None:
    chunks = [lines[i : i + CHUNK] for i in range(0, len(lines), CHUNK)]
    start = shown = time.monotonic()
    done = 0
    for finished in _in_processes(chunks, folder, settings, min(nj, len(chunks))):
        done += finished
        if time.monotonic() - shown >= PROGRESS_SECONDS or done == len(lines):
            shown = time.monotonic()
            print(
                f"synth: {done} of {len(lines)} utterances spoken, {shown - start:.0f} s",
                flush=True,
            )


def _in_processes(
    chunks: Sequence[Sequence[Line]], folder: Path, settings: SynthSettings, nj: int
) -> Iterator[int]:
    if not chunks:
        return
    # Spawned, because the forks inside must come from a process without threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(nj, context) as pool:
        futures = [pool.submit(speak_chunk, c, folder, settings) for c in chunks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool:
            raise RecipeError(
                "synth: a worker process died (killed, or out of memory); run stage 0 "
                "again: what is spoken is kept"
            ) from None


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


def _write_transcripts(lines: Sequence[Line], split: str, folder: Path) -> None:
    rows = [
        f"{line.id}\t{line.speaker.id}\t{line.file}\t{line.text}"
        for line in lines
        if line.split == split
    ]
    write_text(folder / f"{split}.tsv", "\n".join(rows) + "\n")


def _check_voices(settings: SynthSettings) -> None:
    seen: dict[str, str] = {}
    for split, speakers in settings.speakers.items():
        for speaker in speakers:
            other = seen.setdefault(speaker.voice, split)
            if other != split:
                raise RecipeError(
                    f"corpus.options: voice {speaker.voice} is in {other} and in "
                    f"{split}; the splits' voices must be disjoint"
                )


def _digest(lines: Sequence[Line], settings: SynthSettings) -> str:
    content = [espeak().version, asdict(settings), [asdict(line) for line in lines]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _holds(path: Path, content: str) -> bool:
    return path.is_file() and path.read_text().strip() == content
