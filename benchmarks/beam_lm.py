"""Our beam-lm beside pyctcdecode and flashlight, each with its scales tuned on dev.

    python -m benchmarks.beam_lm --lm data/mini_librispeech/lm/3gram.arpa FOLDER ...

A folder has ``tokens.txt`` and, of dev and test, log-probs and transcripts as
``local/decode_log_probs.sh`` takes them: ``dev.h5``, ``dev.text``, ``test.h5``, ``test.text``.
Ours is that command. All decoders have the same beam size and otherwise their own
defaults. The LM's weight, the word score and the unknown words' score of each are found
by the same search over the same grid (``asr.decode.scale_search``): natural logarithms
for all, which flashlight's weight (of log10) and pyctcdecode's offset (of log10, times its
weight) are computed from. Flashlight has a lexicon, the LM's words, so it knows no others.
Seconds are CPU time of one thread, the least of some rounds in which the decoders take
turns; building and loading are not counted.
"""

import argparse
import importlib
import logging
import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import kenlm  # noqa: F401  (before torchaudio's decoder, or that crashes)
import numpy as np
import torch

from asr.bin.decode_log_probs import build_parser, search_options, tuning
from asr.decode.candidates import Candidates, Point
from asr.decode.foreign import ForeignJob, tune_foreign
from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import LogProbs
from asr.decode.methods import REGISTRY, load_method
from asr.decode.scale_search import search_scales, widened
from asr.decode.tune import WIDENINGS, axes_of, first_points
from asr.lm.ngram import NgramLm
from asr.score.error_rate import ErrorRate, count_errors
from asr.score.transcripts import read_texts
from asr.text.foreign_tokens import ForeignTokens, read_foreign_tokens
from asr.text.tokenizer import WORD_START

LN10 = math.log(10.0)
Search = Callable[[LogProbs], list[Hypothesis]]
Build = Callable[[Point, int], Search]
SCALES = ("lm_weight", "word_score", "unk_score")
ROUNDS = 3


def as_hypothesis(text: str, score: float, point: Point, lm: NgramLm) -> Hypothesis:
    """A peer's hypothesis with the parts that the scales are multiplied by."""
    words = text.split()
    unknown, ln_prob = sum(word not in lm for word in words), lm.sentence(words)
    weight, word_score, unk_score = (*point, 0.0)[:3]
    scaled = weight * ln_prob + word_score * len(words) + unk_score * unknown
    return Hypothesis(
        " ".join(words), (), score, score - scaled, ln_prob, unknown=unknown
    )


def pyctcdecode(tokens: Sequence[str], arpa: Path, lm: NgramLm) -> Build:
    module = importlib.import_module("pyctcdecode")
    labels = ["", *(" " if t == WORD_START else t for t in tokens[1:])]
    decoder = module.build_ctcdecoder(labels, str(arpa))

    def build(point: Point, beam: int) -> Search:
        alpha, beta, unk = point
        decoder.reset_params(
            alpha=alpha, beta=beta, unk_score_offset=unk / max(alpha, 1e-3) / LN10
        )

        def search(rows: LogProbs) -> list[Hypothesis]:
            beams = decoder.decode_beams(rows, beam_width=beam)
            return [as_hypothesis(b[0], float(b[-1]), point, lm) for b in beams]

        return search

    return build


def flashlight(tokens: Sequence[str], arpa: Path, lm: NgramLm) -> Build:
    from torchaudio.models.decoder import ctc_decoder

    folder = tempfile.TemporaryDirectory()
    lexicon = Path(folder.name) / "lexicon.txt"
    spelled = [w for w in sorted(lm.words() or ()) if set(w) <= set(tokens)]
    lines = (f"{word} {WORD_START} {' '.join(word)}\n" for word in spelled)
    lexicon.write_text("".join(lines), encoding="utf-8")

    def build(point: Point, beam: int) -> Search:
        decoder = ctc_decoder(
            lexicon=str(lexicon),
            tokens=list(tokens),
            lm=str(arpa),
            nbest=beam,
            beam_size=beam,
            lm_weight=point[0] * LN10,
            word_score=point[1],
            blank_token=tokens[0],
            sil_token=WORD_START,
            unk_word="<unk>",
        )

        def search(rows: LogProbs) -> list[Hypothesis]:
            found = decoder(torch.from_numpy(rows)[None])[0]
            texts = [(" ".join(hyp.words), float(hyp.score)) for hyp in found]
            hyps = [as_hypothesis(text, score, point, lm) for text, score in texts]
            return hyps or [Hypothesis("", (), -1e9, -1e9, 0.0)]

        return search

    build.__dict__["lexicon"] = folder  # as long as it is needed
    return build


PEERS = {"pyctcdecode": pyctcdecode, "flashlight": flashlight}


class Set:
    """Utterances as the peers take them, and their transcripts."""

    def __init__(self, folder: Path, name: str, tokens: ForeignTokens) -> None:
        self.log_probs, self.text = folder / f"{name}.h5", folder / f"{name}.text"
        self.refs = read_texts(self.text)
        spoken = [i for i, t in enumerate(tokens.tokens) if t != "<unk>"]
        self.tokens = [tokens.tokens[i] for i in spoken]
        with h5py.File(self.log_probs) as file:
            rows = {id_: file[id_][()].astype(np.float32) for id_ in self.refs}
        self.rows = {id_: x[:, tokens.columns] for id_, x in rows.items()}
        self.spoken = {
            id_: np.ascontiguousarray(x[:, spoken]) for id_, x in self.rows.items()
        }


def tuned(
    build: Build, dev: Set, beam: int, axes: Mapping[str, Sequence[float]]
) -> Point:
    """A peer's scales with the fewest errors on dev, as stage 7 finds ours."""
    features = [REGISTRY["beam-lm"].scales[name] for name in axes]
    candidates = Candidates(dev.refs, features)

    def decode(points: Sequence[Point]) -> list[dict[str, list[Hypothesis]]]:
        found = []
        for point in points:
            search = build(point, beam)
            found.append({id_: search(rows) for id_, rows in dev.spoken.items()})
        return found

    values = [tuple(axis) for axis in axes.values()]
    surface = search_scales(decode, candidates, values, first_points(values))
    for _ in range(WIDENINGS):
        wider = [widened(axis, x) for axis, x in zip(values, surface.best, strict=True)]
        if wider == values:
            break
        values, known = wider, surface.decoded
        surface = search_scales(decode, candidates, values, [], known=known)
    errors, _ = surface.decoded[surface.best]
    print(
        f"  dev {100 * errors.rate:.2f} at {surface.best}, {len(surface.decoded)} of "
        f"{len(surface.reranked)} points decoded",
        flush=True,
    )
    return surface.best


def measure(
    searches: Mapping[str, tuple[Search, Mapping[str, LogProbs]]], refs: Any
) -> Any:
    """Errors, and the least seconds of some rounds, of each."""
    least: dict[str, float] = {}
    errors: dict[str, ErrorRate] = {}
    for _ in range(ROUNDS):
        for name, (search, rows) in searches.items():
            began = time.process_time()
            texts = {id_: search(x)[0].text for id_, x in rows.items()}
            seconds = time.process_time() - began
            least[name] = min(seconds, least.get(name, math.inf))
            errors[name] = sum(
                (count_errors(refs[i].split(), t.split()) for i, t in texts.items()),
                ErrorRate.zero(),
            )
    return errors, least


def compare(folder: Path, lm: Path, beam: int) -> None:
    tokens = read_foreign_tokens(folder / "tokens.txt", None)
    dev, test = Set(folder, "dev", tokens), Set(folder, "test", tokens)
    model = NgramLm(lm)
    section = tuning()
    axes = axes_of(SCALES, section, ())
    chosen, searches = {}, {}
    with tempfile.TemporaryDirectory() as out:
        job = ForeignJob(
            "beam-lm", test.log_probs, folder / "tokens.txt", Path(out), lm
        )
        words = ["--log-probs", str(test.log_probs), "--tokens", "x", "--out", out]
        given = build_parser().parse_args([*words, "--beam-size", str(beam)])
        options = search_options(given, "beam-lm")
        options = tune_foreign(job, dev.log_probs, dev.text, options, section, given.nj)
        search = load_method("beam-lm", job.lang_dir, lm)(replace(options, nbest=1))
        searches["ours"] = search, test.rows
        chosen["ours"] = tuple(getattr(options, name) for name in SCALES)
    for name, make in PEERS.items():
        build = make(dev.tokens, lm, model)
        some = {n: axes[n] for n in SCALES if (name, n) != ("flashlight", "unk_score")}
        print(f"{folder.name}: {name}", flush=True)
        chosen[name] = tuned(build, dev, beam, some)
        searches[name] = build(chosen[name], beam), test.spoken
    errors, seconds = measure(searches, test.refs)
    fastest = min(seconds[name] for name in PEERS)
    for name in searches:
        scales = ", ".join(f"{x:g}" for x in chosen[name])
        print(
            f"| {folder.name} | {name} | {scales} | {100 * errors[name].rate:.2f} | "
            f"{seconds[name]:.2f} | {seconds[name] / fastest:.2f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--lm", type=Path, required=True)
    parser.add_argument("--beam", type=int, default=100)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # pyctcdecode's advice
    torch.set_num_threads(1)
    print("| what | decoder | scales | %WER | seconds | of the faster peer |")
    print("|---|---|---|---|---|---|")
    for folder in arguments.folders:
        compare(folder, arguments.lm, arguments.beam)


if __name__ == "__main__":
    main()
