"""The beam search of phones by its width, beside HLG, on the same log-probs.

    python -m benchmarks.phones --lang data/mini_librispeech/lang_phone \
        --lm data/mini_librispeech/lm/3gram.arpa \
        --refs data/mini_librispeech/manifests/dev_cuts.jsonl.gz \
        --scales exp/mini_librispeech/tdnnf/decode.yaml \
        exp/mini_librispeech/tdnnf/decode_dev/log_probs.h5

Prints a Markdown table: word error rates, those of the best of ten hypotheses, the mean
score of the best one (the higher, the fewer search errors) and CPU seconds a second of
audio, one thread, loading not counted. ``together``: prefixes with the same future take
one place, as they do by default.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from asr.decode.beam import PrefixBeamSearch
from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import LogProbs, Utterance, read_log_probs
from asr.decode.methods import load_method
from asr.decode.options import SearchOptions
from asr.decode.spelled_words import SpelledWords
from asr.fsa.lexicon import read_lexicon
from asr.lm.arpa import load_lm
from asr.score.error_rate import ErrorRate, count_errors
from asr.text.tokenizer import read_tokens
from benchmarks.beam import read_refs

NBEST = 10
APART = 10**9
Decode = Callable[[LogProbs], list[Hypothesis]]


def measure(
    title: str, decode: Decode, utterances: Sequence[Utterance], refs: dict[str, str]
) -> None:
    """Print a row; what is compiled or loaded at the first call is not counted."""
    decode(utterances[0].log_probs)
    began = time.process_time()
    lists = [decode(utterance.log_probs) for utterance in utterances]
    seconds = time.process_time() - began
    first, best = ErrorRate.zero(), ErrorRate.zero()
    for utterance, hyps in zip(utterances, lists, strict=True):
        ref = refs[utterance.id].split()
        errors = [count_errors(ref, hyp.text.split()) for hyp in hyps]
        first += errors[0]
        best += min(errors, key=lambda each: each.errors)
    score = np.mean([hyps[0].score for hyps in lists])
    rates = f"{100 * first.rate:.2f} | {100 * best.rate:.2f} | {score:.2f}"
    audio = sum(utterance.duration for utterance in utterances)
    print(f"| {title} | {rates} | {seconds / audio:.4f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("log_probs", type=Path)
    for name in ("--lang", "--lm", "--refs", "--scales"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--beams", type=int, nargs="+", default=[32, 64, 128, 256])
    parser.add_argument("--every", type=int, default=1, help="one utterance in so many")
    given = parser.parse_args()
    utterances = list(read_log_probs(given.log_probs))[:: given.every]
    refs = read_refs(given.refs)
    tuned: dict[str, Any] = yaml.safe_load(given.scales.read_text())
    tokens, lm = read_tokens(given.lang / "tokens.txt"), load_lm(given.lm)
    spelled = SpelledWords(read_lexicon(given.lang / "lexicon.txt", tokens), lm)
    scales = {name: tuned[name] for name in ("lm_weight", "word_score")}
    print("| decoder | %WER | best of 10 | mean score | RTF |\n|---|---|---|---|---|")
    for histories, words in ((APART, "apart"), (1, "together")):
        for beam in given.beams:
            search = PrefixBeamSearch(
                tokens,
                lm,
                spellings=spelled,
                separator=" ",
                beam_size=beam,
                histories=histories,
                nbest=NBEST,
                **scales,
            )
            measure(f"beam-lm {beam}, {words}", search, utterances, refs)
    graph = load_method("hlg", given.lang, given.lm)
    options = SearchOptions(hlg_scale=tuned["hlg_scale"], nbest=NBEST)
    measure("hlg", graph(options), utterances, refs)


if __name__ == "__main__":
    main()
