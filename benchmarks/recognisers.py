"""What turns an audio file into text: PocketSphinx, and the recipe with a decoder.

Each is loaded in a process of its own, so nothing is imported before that.
"""

import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from asr.errors import RecipeError

if TYPE_CHECKING:
    from asr.decode.options import SearchOptions
    from asr.decode.recordings import Hearing

Recognise = Callable[[str], str]  # path of an audio file -> its text
RATE = 16_000  # Hz, of PocketSphinx's model
REQUIREMENTS = "benchmarks/requirements-pocketsphinx.txt"


def load_sphinx(options: Mapping[str, str]) -> Recognise:
    """PocketSphinx with the model, dictionary and trigram that its package brings.

    As its own ``examples/simple.py`` and its program's ``single`` do: a file is one
    utterance, given whole (``full_utt``), so that the cepstral means are the file's own.

    Args:
        options: of its configuration, by name; none: its defaults.

    Raises:
        RecipeError: the package is not installed.
    """
    try:
        package = importlib.import_module("pocketsphinx")
    except ImportError:
        raise RecipeError(
            f"PocketSphinx is not installed: pip install --no-deps -r {REQUIREMENTS}"
        ) from None
    decoder = package.Decoder(loglevel="FATAL", **options)

    def recognise(path: str) -> str:
        decoder.start_utt()
        decoder.process_raw(read_pcm(path), full_utt=True)
        decoder.end_utt()
        best = decoder.hyp()
        return str(best.hypstr) if best is not None else ""

    return recognise


def read_pcm(path: str) -> bytes:
    """A file's mean channel as 16-bit samples at 16 kHz; without torch, to be small."""
    import numpy as np
    import soundfile

    samples, rate = soundfile.read(os.fsencode(path), dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if rate != RATE:  # band-limited, by the spectrum of the whole file
        size = round(len(mono) * RATE / rate)
        mono = np.fft.irfft(np.fft.rfft(mono)[: size // 2 + 1], size) * size / len(mono)
    pcm = np.clip(np.rint(mono * 2**15), -(2**15), 2**15 - 1).astype("<i2").tobytes()
    return bytes(pcm)


def load_recipe(
    method: str,
    averaged: Path,
    lang: Path,
    lm: Path | None,
    options: "SearchOptions",
    hearing: "Hearing",
) -> Recognise:
    """The recipe's stage 8 from file to text, in memory, on one thread of the CPU.

    Args:
        averaged: the acoustic model's file.
        lang: folder with tokens and graph.
        lm: n-gram, for the decoders that need it.
    """
    import torch

    from asr.data.audio_blocks import read_blocks
    from asr.decode.methods import load_method
    from asr.decode.pieces import join_hypotheses
    from asr.decode.recordings import BLOCK, acoustic_of, pieces_of
    from asr.decode.vocabulary import Vocabulary
    from asr.models.package import load_package
    from asr.text.units import separator

    torch.set_num_threads(1)
    package = load_package(averaged)
    vocabulary = Vocabulary(package.tokens, separator=separator(lang))
    acoustic = acoustic_of(package.model, hearing, torch.device("cpu"))
    decode = load_method(method, lang, lm)(options)

    @torch.inference_mode()
    def recognise(path: str) -> str:
        rate, channel = hearing.sample_rate, hearing.channel
        blocks = read_blocks(Path(path), rate, BLOCK, channel)
        pieces = pieces_of(blocks, acoustic, vocabulary, hearing)
        found = [(begin * hearing.row, decode(rows)) for begin, rows in pieces]
        return join_hypotheses(found, options.nbest)[0].text

    return recognise
