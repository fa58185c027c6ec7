"""Our prefix beam search beside pyctcdecode's and torchaudio's, on the same log-probs.

    python -m benchmarks.beam --lang data/an4/lang_char --lm data/an4/lm/3gram.arpa \
        --dev-refs data/an4/manifests/dev_cuts.jsonl.gz exp/an4/conformer exp/an4/deepspeech2

Prints a Markdown table. Seconds are CPU time (all three use one thread), the least of
some rounds in which the decoders take turns, each built anew, so with an empty cache;
building and loading are not counted. With the LM each decoder's scales are the best of
the same grid on dev; ``--scales`` keeps them, so that a second run only measures, and
``--only`` takes the rows that begin so. ``benchmarks.made_up`` makes log-probs of BPE.
"""

import argparse
import gzip
import importlib
import json
import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kenlm  # noqa: F401  (before torchaudio's decoder, or that crashes)
import numpy as np
import torch

from asr.decode.beam import PrefixBeamSearch
from asr.decode.log_probs import LogProbs, Utterance, read_log_probs
from asr.lm.ngram import NgramLm
from asr.score.error_rate import ErrorRate, count_errors
from asr.text.tokenizer import WORD_START, Tokenizer, read_tokens

Decode = Callable[[LogProbs], str]
GRID = [(weight, score) for weight in (0.2, 0.4, 0.6, 0.9, 1.2) for score in range(5)]
ROUNDS = 3
LANG = Path()  # of the tokenizer, for lexicons


@dataclass(frozen=True)
class Setting:
    """What a decoder is built for."""

    beam: int
    lm: str | None = None
    lm_weight: float = 0.0
    word_score: float = 0.0
    pruned: bool = True
    lexicon: bool = False


def ours(tokens: list[str], at: Setting) -> Decode:
    wide: dict[str, Any] = (
        {} if at.pruned else {"beam_threshold": np.inf, "token_threshold": np.inf}
    )
    lexicon = NgramLm(Path(at.lm)).words() if at.lexicon and at.lm else None
    search = PrefixBeamSearch(
        tokens,
        at.lm,
        beam_size=at.beam,
        lm_weight=at.lm_weight,
        word_score=at.word_score,
        lexicon=lexicon,
        **wide,
    )
    return lambda log_probs: search(log_probs)[0].text


def pyctcdecode(tokens: list[str], at: Setting) -> Decode:
    build = importlib.import_module("pyctcdecode").build_ctcdecoder
    pieces = any(len(token) > 2 for token in tokens[2:])  # it takes ▁ for BPE
    space = WORD_START if pieces else " "
    labels = ["", "▁⁇▁" if pieces else "⁇"]
    labels += [space if token == WORD_START else token for token in tokens[2:]]
    scales = {"alpha": at.lm_weight, "beta": at.word_score}
    decoder = build(labels, at.lm, **scales)
    wide: dict[str, Any] = (
        {} if at.pruned else {"beam_prune_logp": -1e9, "token_min_logp": -1e9}
    )
    return lambda x: str(decoder.decode(x, beam_width=at.beam, **wide)).strip()


def torchaudio(tokens: list[str], at: Setting) -> Decode:
    """With an LM it needs a lexicon: the LM's words, spelled as the tokenizer does."""
    from torchaudio.models.decoder import ctc_decoder

    with tempfile.NamedTemporaryFile("w", suffix=".txt") as lexicon:
        if at.lm:
            tokenizer = Tokenizer.load(LANG)
            for word in sorted(NgramLm(Path(at.lm)).words() or ()):
                pieces = [tokens[i] for i in tokenizer.encode(word)]
                if tokens[1] not in pieces:
                    lexicon.write(f"{word} {' '.join(pieces)}\n")
            lexicon.flush()
        decoder = ctc_decoder(
            lexicon=lexicon.name if at.lm else None,
            tokens=tokens,
            lm=at.lm,
            beam_size=at.beam,
            lm_weight=at.lm_weight,
            word_score=at.word_score,
            blank_token=tokens[0],
            sil_token=WORD_START,
            unk_word=tokens[1],
            **({} if at.pruned else {"beam_threshold": 1e9}),
        )

    def decode(log_probs: LogProbs) -> str:
        best = decoder(torch.from_numpy(log_probs)[None])[0]
        if not best:
            return ""
        if at.lm:
            return " ".join(best[0].words)
        joined = "".join(decoder.idxs_to_tokens(best[0].tokens))
        return " ".join(joined.replace(WORD_START, " ").split())

    return decode


BUILD = {"ours": ours, "pyctcdecode": pyctcdecode, "torchaudio": torchaudio}


def run(
    decode: Decode, utterances: Sequence[Utterance], refs: Mapping[str, str]
) -> tuple[float, ErrorRate]:
    """CPU seconds and word errors."""
    began = time.process_time()
    texts = [decode(utterance.log_probs) for utterance in utterances]
    seconds = time.process_time() - began
    errors = ErrorRate.zero()
    for utterance, text in zip(utterances, texts, strict=True):
        errors += count_errors(refs[utterance.id].split(), text.split())
    return seconds, errors


def tuned(
    name: str, tokens: list[str], at: dict[str, Any], dev: Any
) -> tuple[float, int]:
    """The scales of the grid with the fewest word errors on dev, the first of equals."""

    def errors(scales: tuple[float, int]) -> int:
        setting = Setting(lm_weight=scales[0], word_score=scales[1], **at)
        return run(BUILD[name](tokens, setting), *dev)[1].errors

    return min(GRID, key=errors)


def compare(
    title: str, tokens: list[str], settings: Mapping[str, Setting], data: Any
) -> None:
    """One row of the table a decoder."""
    least: dict[str, float] = {}
    wer: dict[str, ErrorRate] = {}
    for turn in range(ROUNDS):
        for name, setting in settings.items():
            if turn and name == "pyctcdecode" and not setting.pruned:
                continue  # a hundred times as slow
            decode = BUILD[name.split()[0]](tokens, setting)
            seconds, wer[name] = run(decode, *data)
            least[name] = min(seconds, least.get(name, np.inf))
    fastest = min(least["pyctcdecode"], least["torchaudio"])
    for name, setting in settings.items():
        scales = f"{setting.lm_weight}, {setting.word_score}" if setting.lm else ""
        print(
            f"| {title} | {name} | {scales} | {100 * wer[name].rate:.2f} | "
            f"{least[name]:.3f} | {least[name] / fastest:.2f} |",
            flush=True,
        )


Scales = dict[str, tuple[float, int]]


def rows(
    tokens: list[str], lm: str, test: Any, dev: Any, scales: Scales
) -> Iterator[tuple[str, dict[str, Setting], Any]]:
    """What is compared: title, settings by decoder, utterances with references."""
    some = (test[0][::30], test[1])
    for beam in (10, 100):
        yield f"no LM, beam {beam}", dict.fromkeys(BUILD, Setting(beam)), test
        title = f"no LM, beam {beam}, no pruning, one in 30"
        yield title, dict.fromkeys(BUILD, Setting(beam, pruned=False)), some
        settings = {}
        for name in (*BUILD, "ours with lexicon"):
            at: dict[str, Any] = {"beam": beam, "lm": lm, "lexicon": "lexicon" in name}
            key = f"{name}, beam {beam}"
            if key not in scales:
                scales[key] = tuned(name.split()[0], tokens, at, dev)
            weight, score = scales[key]
            settings[name] = Setting(lm_weight=weight, word_score=score, **at)
        yield f"word LM, beam {beam}", settings, test
        off = {n: Setting(**{**vars(s), "pruned": False}) for n, s in settings.items()}
        yield f"word LM, beam {beam}, no pruning, one in 30", off, some


def read_refs(path: Path) -> dict[str, str]:
    """Transcripts by utterance id, from Kaldi's text form or lhotse's cuts."""
    if path.suffix != ".gz":
        lines = path.read_text(encoding="utf-8").splitlines()
        return {line.split()[0]: " ".join(line.split()[1:]) for line in lines}
    with gzip.open(path, "rt", encoding="utf-8") as lines_:
        cuts = [json.loads(line) for line in lines_]
    return {cut["id"]: cut["supervisions"][0]["text"] for cut in cuts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("exp_dirs", type=Path, nargs="+")
    parser.add_argument("--lang", type=Path, required=True)
    parser.add_argument("--lm", required=True)
    parser.add_argument("--dev-refs", type=Path, required=True)
    parser.add_argument("--scales", type=Path)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # pyctcdecode's advice
    torch.set_num_threads(1)
    global LANG
    LANG = arguments.lang
    tokens = read_tokens(LANG / "tokens.txt")
    dev_refs = read_refs(arguments.dev_refs)
    print(
        "| what | decoder | LM weight, word score | %WER | seconds | of the faster peer |"
    )
    print("|---|---|---|---|---|---|")
    for exp in arguments.exp_dirs:
        test = list(read_log_probs(exp / "decode_test" / "log_probs.h5"))
        dev = list(read_log_probs(exp / "decode_dev" / "log_probs.h5"))
        refs = read_refs(exp / "decode_test" / "ref")
        kept = json.loads(arguments.scales.read_text()) if arguments.scales else {}
        scales = kept.setdefault(exp.name, {})
        for title, settings, data in rows(
            tokens, arguments.lm, (test, refs), (dev, dev_refs), scales
        ):
            if title.startswith(arguments.only):
                compare(f"{exp.name}, {title}", tokens, settings, data)
        if arguments.scales:
            arguments.scales.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
