"""Audio of a few utterances, small enough to be put into a page."""

import io
from collections.abc import Collection, Iterator
from pathlib import Path

import soundfile

from asr.data.audio import Samples, audio_size, read_audio
from asr.data.user_folder import load_user_folder
from asr.errors import RecipeError
from asr.text.normalize import get_rule

MAX_SECONDS = 30.0


def corpus_clips(
    cuts: Path, ids: Collection[str], sample_rate: int
) -> dict[str, bytes]:
    """FLAC by utterance id, of cuts in a ``*_cuts.jsonl.gz``.

    Longer utterances than ``MAX_SECONDS`` and audio that is gone are left out.
    """
    from asr.data.fbank import load_cut
    from asr.data.jsonl import read_cuts

    def found() -> Iterator[tuple[str, Samples]]:
        for cut in read_cuts(cuts) if ids and cuts.is_file() else ():
            if cut.id in ids and cut.duration <= MAX_SECONDS:
                try:
                    yield cut.id, load_cut(cut, sample_rate)
                except RecipeError as error:
                    print(f"report: {cut.id} without audio: {error}", flush=True)

    return {id_: encode(samples, sample_rate) for id_, samples in found()}


def folder_clips(
    folder: Path, ids: Collection[str], sample_rate: int
) -> dict[str, bytes]:
    """The same, of a user's folder."""
    clips: dict[str, bytes] = {}
    try:
        files = load_user_folder(folder, get_rule("none")).files if ids else ()
        for file in (file for file in files if file.id in ids):
            length, rate = audio_size(file.path)
            if length <= MAX_SECONDS * rate:
                clips[file.id] = encode(read_audio(file.path, sample_rate), sample_rate)
    except RecipeError as error:
        print(f"report: no audio of {folder}: {error}", flush=True)
    return clips


def encode(samples: Samples, sample_rate: int) -> bytes:
    """FLAC, 16 bits, which every browser plays; louder samples than 1 are clipped."""
    content = io.BytesIO()
    soundfile.write(
        content, samples.clip(-1.0, 1.0), sample_rate, "PCM_16", format="FLAC"
    )
    return content.getvalue()
