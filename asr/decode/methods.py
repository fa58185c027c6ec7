"""The decoders by name, behind one interface: ``(T, V)`` log-probs to an n-best list.

A new decoder is one entry of the registry at the end, its name in ``asr.job.DECODERS``,
and the fields of ``SearchOptions`` that it needs.
"""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from asr.decode.greedy import greedy_search
from asr.decode.hypothesis import Feature, Hypothesis
from asr.decode.log_probs import LogProbs, check_log_probs
from asr.decode.prefix_beam import PrefixBeamSearch
from asr.errors import RecipeError
from asr.text.tokenizer import read_tokens


@dataclass(frozen=True)
class SearchOptions:
    """What bounds the searches, and the scales tuned on dev. Scores are ln.

    ``beam`` and ``beam-lm`` are described in ``PrefixBeamSearch`` (``lm_weight`` and
    what follows it for ``beam-lm`` only), ``hlg`` in ``HlgDecoder``; ``frame_shift``
    is the seconds between two rows of log-probs, for the times of words.
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
    frame_shift: float = 0.04


@dataclass(frozen=True)
class Resources:
    """What decoders are loaded from.

    Attributes:
        lang_dir: ``tokens.txt``; for graphs also ``words.txt`` and ``HLG.pt``.
        lm: n-gram (ARPA or binary), or None.
    """

    lang_dir: Path
    lm: Path | None

    @property
    def tokens(self) -> list[str]:
        return read_tokens(self.lang_dir / "tokens.txt")


Decoder = Callable[[LogProbs], list[Hypothesis]]
Maker = Callable[[SearchOptions], Decoder]
Loader = Callable[[Resources], Maker]


@dataclass(frozen=True)
class Method:
    """One decoder.

    Attributes:
        load: loads n-gram or graph once; returns what makes decoders from options.
        scales: options tuned on dev, the language model's first. The score of a
            hypothesis is linear in them; each has the function that gives its factor.
        why_not: of a lang folder, why the decoder cannot run, or None if it can.
        load_nbest: like ``load``, where the decoder itself gives few hypotheses: for
            slower ones with many, among which tuning finds what other scales choose.
        needs_lm: an n-gram file, when it runs.
        needs_graph: ``HLG.pt``, which is made of an n-gram.
    """

    load: Loader
    scales: Mapping[str, Feature] = field(default_factory=dict)
    why_not: Callable[[Path], str | None] = lambda lang_dir: None
    load_nbest: Loader | None = None
    needs_lm: bool = False
    needs_graph: bool = False

    @property
    def uses_lm(self) -> bool:
        return self.needs_lm or self.needs_graph


def unavailable(method: str, lang_dir: Path) -> str | None:
    """Why a decoder cannot run here, in a few words, or None if it can."""
    if method not in METHODS:
        return f"unknown; the decoders are {', '.join(METHODS)}"
    return REGISTRY[method].why_not(lang_dir)


def load_method(
    method: str, lang_dir: Path, lm: Path | None, *, tuning: bool = False
) -> Maker:
    """Load tokens, n-gram or graph once; return what makes decoders from options.

    Args:
        method: one of METHODS.
        lang_dir: ``tokens.txt``; for ``hlg`` also ``words.txt`` and ``HLG.pt``.
        lm: n-gram (ARPA or binary), needed by ``beam-lm``.
        tuning: make decoders with many hypotheses, where the method has such.
    """
    reason = unavailable(method, lang_dir)
    if reason is not None:
        raise RecipeError(f"decoder {method}: {reason}")
    entry = REGISTRY[method]
    if entry.needs_lm and lm is None:
        raise RecipeError(f"decoder {method}: needs an n-gram, run the lm stage (4)")
    load = entry.load_nbest if tuning and entry.load_nbest else entry.load
    return load(Resources(lang_dir, lm))


def _load_greedy(resources: Resources) -> Maker:
    tokens = resources.tokens
    return lambda options: lambda log_probs: [greedy_search(log_probs, tokens)]


def _load_beam(resources: Resources) -> Maker:
    tokens = resources.tokens
    return lambda options: PrefixBeamSearch(
        tokens,
        beam_size=options.beam_size,
        beam_threshold=options.beam_threshold,
        token_threshold=options.token_threshold,
        nbest=options.nbest,
    )


def _load_beam_lm(resources: Resources) -> Maker:
    from asr.lm.ngram import NgramLm  # kenlm is needed by this method only

    assert resources.lm is not None  # load_method has seen to it
    tokens, model = resources.tokens, NgramLm(resources.lm)
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
    )


def _load_hlg(resources: Resources) -> Maker:
    import torch

    from asr.decode.hlg import HlgDecoder, load_hlg

    graph, vocab_size = load_hlg(resources.lang_dir), len(resources.tokens)

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
            check_log_probs(log_probs, vocab_size)
            batch = torch.from_numpy(log_probs)[None]
            return decoder.decode(batch, torch.tensor([len(log_probs)]))

        return decode

    return make


def _load_hlg_nbest(resources: Resources) -> Maker:
    from asr.decode.hlg import load_hlg
    from asr.decode.hlg_scales import scaled_nbest

    graph, vocab_size = load_hlg(resources.lang_dir), len(resources.tokens)

    def make(options: SearchOptions) -> Decoder:
        def decode(log_probs: LogProbs) -> list[Hypothesis]:
            check_log_probs(log_probs, vocab_size)
            return scaled_nbest(
                graph,
                log_probs,
                hlg_scale=options.hlg_scale,
                search_beam=options.search_beam,
                output_beam=options.output_beam,
                min_active=options.min_active,
                max_active=options.max_active,
            )

        return decode

    return make


def _no_graph(lang_dir: Path) -> str | None:
    if importlib.util.find_spec("k2") is None:
        return "k2 is not installed (Python 3.10 and requirements.txt give it)"
    if not (lang_dir / "HLG.pt").is_file():
        return f"{lang_dir / 'HLG.pt'} is missing: run the graph stage (5)"
    return None


def _lm_score(hyp: Hypothesis) -> float:
    return hyp.lm_score


def _num_words(hyp: Hypothesis) -> float:
    return float(len(hyp.text.split()))


REGISTRY: Mapping[str, Method] = {  # in the order of results.tsv
    "greedy": Method(_load_greedy),
    "beam": Method(_load_beam),
    "beam-lm": Method(
        _load_beam_lm,
        scales={"lm_weight": _lm_score, "word_score": _num_words},
        needs_lm=True,
    ),
    "hlg": Method(
        _load_hlg,
        scales={"hlg_scale": _lm_score},
        why_not=_no_graph,
        load_nbest=_load_hlg_nbest,
        needs_graph=True,
    ),
}
METHODS = tuple(REGISTRY)
