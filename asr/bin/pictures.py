"""``pictures``: what stage 8 made of one recording, to look at."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.data.audio import Samples
from asr.data.audio_blocks import read_blocks
from asr.data.fbank import FRAME_SHIFT, compute, load_cut
from asr.data.jsonl import read_cuts
from asr.data.level import to_level
from asr.data.user_folder import load_user_folder
from asr.decode.log_probs import LogProbs, read_log_probs, read_recordings
from asr.decode.methods import METHODS
from asr.decode.nbest_file import NBest, read_nbest
from asr.errors import RecipeError, UsageError
from asr.job import Job
from asr.plot.emissions import draw_emissions
from asr.plot.nbest import draw_nbest
from asr.plot.spectrogram import draw_spectrogram
from asr.plot.words import Span, draw_words
from asr.score.transcripts import read_texts
from asr.text.normalize import get_rule
from asr.text.tokenizer import read_tokens

COMPARED = ("beam", "beam-lm")  # without and with an n-gram
PREFERRED = ("beam-lm", "hlg", "beam", "greedy")  # whose words are drawn
SECONDS = 10  # of audio read at once


@dataclass(frozen=True)
class Recording:
    """What is drawn: of a long one the first piece that was searched.

    Attributes:
        samples: (num_samples,) of the piece.
        log_probs: (T, V) of the piece, ln.
        note: says where it is only the beginning.
        ref: its transcript, None where there is none.
        nbests: hypotheses of the whole, by decoder.
    """

    id: str
    samples: Samples
    log_probs: LogProbs
    note: str
    ref: str | None
    nbests: Mapping[str, NBest]


def run(job: Job, utterance: str | None, out: Path | None) -> None:
    """Write ``spectrogram``, ``emissions``, ``nbest`` and ``words`` as PNG.

    Args:
        utterance: its id; default: the first one.
        out: folder; default: ``pictures/<id>`` beside the results.

    Raises:
        UsageError: there is no such recording.
        RecipeError: stage 8 has not been run, or the audio is gone.
    """
    found = load(job, utterance)
    folder = job.paths.decode_dir(job.decode_sets[0])
    target = out or folder / "pictures" / found.id
    fbank = job.config.fbank
    rate, bins = fbank.sample_rate, fbank.num_mel_bins
    name = found.id + found.note
    heard = to_level(found.samples, rate, fbank.level)
    draw_spectrogram(compute(heard, rate, bins), target / "spectrogram.png", name)
    draw_emissions(
        found.log_probs,
        read_tokens(job.lang / "tokens.txt"),
        target / "emissions.png",
        f"{name}: log-probs, and the greedy path",
        job.config.model.subsampling * FRAME_SHIFT,
    )
    draw_nbest(
        {
            method: [(row["text"], row["score"]) for row in nbest.rows]
            for method, nbest in found.nbests.items()
            if method in COMPARED or not set(COMPARED) & set(found.nbests)
        },
        target / "nbest.png",
        f"{found.id}: n-best"
        + ("" if found.ref is None else f"; transcript: {found.ref[:100]}"),
    )
    method = next(m for m in (*PREFERRED, *found.nbests) if m in found.nbests)
    draw_words(
        found.samples,
        rate,
        spans(found.nbests[method]),
        target / "words.png",
        f"{name}: words of {method}, green where it is sure",
    )
    print(f"{found.id}: pictures in {target}", flush=True)


def load(job: Job, utterance: str | None) -> Recording:
    """Read everything that there is about one recording of the set."""
    name = job.decode_sets[0]
    folder = job.paths.decode_dir(name)
    stored = read_recordings(folder / "log_probs.h5")
    if not stored:
        raise RecipeError(f"{folder}: no recording has been decoded there")
    id_ = choose(utterance, list(stored), folder)
    piece = next(read_log_probs(folder / "log_probs.h5", [stored[id_].pieces[0]]))
    whole = stored[id_].duration
    long = len(stored[id_].pieces) > 1
    refs = read_texts(folder / "ref") if (folder / "ref").is_file() else {}
    nbests = read_nbests(folder, id_)
    if not nbests:
        raise RecipeError(f"{folder}: no hypotheses of {id_}; run stage 8 (decode)")
    return Recording(
        id_,
        load_samples(job, name, id_, piece.duration),
        piece.log_probs,
        f", the first {piece.duration:.1f} of {whole:.1f} s" if long else "",
        refs.get(id_),
        nbests,
    )


def choose(utterance: str | None, ids: list[str], folder: Path) -> str:
    """The id asked for, or the first."""
    if utterance is None:
        return ids[0]
    if utterance not in ids:
        near = difflib.get_close_matches(utterance, ids, n=1, cutoff=0.0)
        raise UsageError(
            f"--utt {utterance}: not in {folder}; the nearest id is {near[0]}"
        )
    return utterance


def read_nbests(folder: Path, id_: str) -> dict[str, NBest]:
    """An utterance's lists, by decoder in the usual order."""
    return {
        method: nbest
        for method in METHODS
        if (folder / method / "nbest.jsonl").is_file()
        for nbest in read_nbest(folder / method / "nbest.jsonl")
        if nbest.id == id_ and nbest.rows
    }


def spans(nbest: NBest) -> list[Span]:
    """The words of the best hypothesis."""
    return [
        Span(word["word"], word["start"], word["end"], word["confidence"])
        for word in nbest.rows[0].get("words", [])
    ]


def load_samples(job: Job, name: str, id_: str, seconds: float) -> Samples:
    """(num_samples,) of the first ``seconds`` of a recording.

    Raises:
        RecipeError: it is gone, or cannot be read.
    """
    rate = job.config.fbank.sample_rate
    if job.test_dir is None:
        cut = next(c for c in read_cuts(job.paths.feature_cuts(name)) if c.id == id_)
        return load_cut(cut, rate)
    files = load_user_folder(job.test_dir, get_rule("none")).files
    path = next((file.path for file in files if file.id == id_), None)
    if path is None:
        raise RecipeError(f"{job.test_dir}: {id_} is not there any more")
    wanted = round(seconds * rate)
    blocks: list[Samples] = []
    for block in read_blocks(path, rate, SECONDS, job.channel):
        blocks.append(block)
        if sum(map(len, blocks)) >= wanted:
            break
    return np.concatenate(blocks)[:wanted]
