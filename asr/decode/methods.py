"""The decoders by name, behind one interface: ``(T, V)`` log-probs to an n-best list."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from asr.decode.beam import PrefixBeamSearch
from asr.decode.greedy import greedy_search
from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import LogProbs, check_log_probs
from asr.errors import RecipeError
from asr.text.tokenizer import read_tokens

METHODS = ("greedy", "beam", "beam-lm", "hlg")  # the order of results.tsv

Decoder = Callable[[LogProbs], list[Hypothesis]]


@dataclass(frozen=True)
class SearchOptions:
    """What bounds the searches, and the scales tuned on dev. Scores are ln.

    ``beam`` and ``beam-lm`` are described in ``PrefixBeamSearch`` (``lm_weight`` and
    what follows it for ``beam-lm`` only), ``hlg`` in ``HlgDecoder``.
    """

    beam_size: int = 32
    beam_threshold: float = 14.0
    token_threshold: float = 8.0
    nbest: int = 10
    lm_weight: float = 0.5
    word_score: float = 0.0
    unk_score: float = -4.0
    search_beam: float = 15.0
    output_beam: float = 6.0
    min_active: int = 30
    max_active: int = 3000
    hlg_scale: float = 1.0


def unavailable(method: str, lang_dir: Path) -> str | None:
    """Why a decoder cannot run here, in a few words, or None if it can."""
    if method not in METHODS:
        return f"unknown; the decoders are {', '.join(METHODS)}"
    if method == "hlg" and importlib.util.find_spec("k2") is None:
        return "k2 is not installed (Python 3.10 and requirements.txt give it)"
    if method == "hlg" and not (lang_dir / "HLG.pt").is_file():
        return f"{lang_dir / 'HLG.pt'} is missing: run the graph stage (5)"
    return None


def load_method(
    method: str, lang_dir: Path, lm: Path | None
) -> Callable[[SearchOptions], Decoder]:
    """Load tokens, n-gram or graph once; return what makes decoders from options.

    Args:
        method: one of METHODS.
        lang_dir: ``tokens.txt``; for ``hlg`` also ``words.txt`` and ``HLG.pt``.
        lm: n-gram (ARPA or binary), needed by ``beam-lm``.
    """
    reason = unavailable(method, lang_dir)
    if reason is not None:
        raise RecipeError(f"decoder {method}: {reason}")
    tokens = read_tokens(lang_dir / "tokens.txt")
    if method == "greedy":
        return lambda options: lambda log_probs: [greedy_search(log_probs, tokens)]
    if method == "beam":
        return lambda options: PrefixBeamSearch(
            tokens,
            beam_size=options.beam_size,
            beam_threshold=options.beam_threshold,
            token_threshold=options.token_threshold,
            nbest=options.nbest,
            timed=1,
        )
    if method == "beam-lm":
        return _load_beam_lm(tokens, lm)
    return _load_hlg(tokens, lang_dir)


def _load_beam_lm(
    tokens: list[str], lm: Path | None
) -> Callable[[SearchOptions], Decoder]:
    from asr.lm.ngram import NgramLm  # kenlm is needed by this method only

    if lm is None:
        raise RecipeError("decoder beam-lm: needs an n-gram, run the lm stage (4)")
    model = NgramLm(lm)
    return lambda options: PrefixBeamSearch(
        tokens,
        model,
        beam_size=options.beam_size,
        beam_threshold=options.beam_threshold,
        token_threshold=options.token_threshold,
        lm_weight=options.lm_weight,
        word_score=options.word_score,
        unk_score=options.unk_score,
        nbest=options.nbest,
        timed=1,
    )


def _load_hlg(tokens: list[str], lang_dir: Path) -> Callable[[SearchOptions], Decoder]:
    import torch

    from asr.decode.hlg import HlgDecoder, load_hlg

    graph = load_hlg(lang_dir)

    def make(options: SearchOptions) -> Decoder:
        decoder = HlgDecoder(
            graph,
            hlg_scale=options.hlg_scale,
            search_beam=options.search_beam,
            output_beam=options.output_beam,
            min_active=options.min_active,
            max_active=options.max_active,
        )

        def decode(log_probs: LogProbs) -> list[Hypothesis]:
            check_log_probs(log_probs, len(tokens))
            batch = torch.from_numpy(log_probs)[None]
            return decoder.decode(batch, torch.tensor([len(log_probs)]))

        return decode

    return make
