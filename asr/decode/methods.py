"""The decoders by name, behind one interface: ``(T, V)`` log-probs to an n-best list.

A new decoder is one entry of the registry at the end, its name in ``asr.job.DECODERS``,
and the fields of ``SearchOptions`` that it needs: docs/adding_a_decoder.md.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from asr.decode import graph_methods
from asr.decode.beam import PrefixBeamSearch
from asr.decode.greedy import greedy_search
from asr.decode.hypothesis import Feature, Hypothesis
from asr.decode.known_words import KnownWords
from asr.decode.options import Decoder as Decoder
from asr.decode.options import HotWord
from asr.decode.options import Loader as Loader
from asr.decode.options import Maker as Maker
from asr.decode.options import Resources as Resources
from asr.decode.options import SearchOptions as SearchOptions
from asr.decode.spelled_words import SpelledWords
from asr.errors import RecipeError
from asr.fsa.lexicon import read_lexicon
from asr.packages import missing
from asr.text.units import has_phones

BOUNDS = ("beam_size", "beam_threshold", "token_threshold")  # of the beam search


@dataclass(frozen=True)
class Method:
    """One decoder.

    Attributes:
        load: loads n-gram or graph once; returns what makes decoders from options.
        scales: options tuned on dev, the language model's first. The score of a
            hypothesis is linear in them; each has the function that gives its factor.
        why_not: of a lang folder, why the decoder cannot run, or None if it can.
        bounds: of a lang folder, options that bound the search, in the order in which
            they are narrowed on dev, if there are scales.
        load_nbest: like ``load``, where the decoder itself gives few hypotheses: for
            slower ones with many, among which tuning finds what other scales choose.
        needs_lm: an n-gram file, when it runs.
        needs_graph: ``HLG.pt``, which is made of an n-gram.
        listens: for hot words.
        first: the decoder whose scales it searches with before its own count.
    """

    load: Loader
    scales: Mapping[str, Feature] = field(default_factory=dict)
    why_not: Callable[[Path], str | None] = lambda lang_dir: None
    bounds: Callable[[Path], tuple[str, ...]] = lambda lang_dir: ()
    load_nbest: Loader | None = None
    needs_lm: bool = False
    needs_graph: bool = False
    listens: bool = False
    first: str | None = None

    @property
    def all_scales(self) -> tuple[str, ...]:
        """The scales that its output depends on."""
        return (*(REGISTRY[self.first].scales if self.first else ()), *self.scales)

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
    tokens, separator = resources.tokens, resources.separator
    return lambda options: (
        lambda log_probs: [greedy_search(log_probs, tokens, separator)]
    )


def _load_beam(resources: Resources) -> Maker:
    tokens, separator = resources.tokens, resources.separator
    return lambda options: PrefixBeamSearch(
        tokens,
        separator=separator,
        beam_size=options.beam_size,
        beam_threshold=options.beam_threshold,
        token_threshold=options.token_threshold,
        hotwords=options.hot_weights,
        nbest=options.nbest,
    )


def _load_beam_lm(resources: Resources) -> Maker:
    from asr.lm.arpa import load_lm  # numba or kenlm: needed by this method only

    assert resources.lm is not None  # load_method has seen to it
    tokens, model = resources.tokens, load_lm(resources.lm)
    spelled, known = {}, None
    if has_phones(resources.lang_dir):
        spelled = read_lexicon(resources.lang_dir / "lexicon.txt", tokens)
    elif words := model.words():
        known = KnownWords(words, model)

    @functools.cache
    def spellings(more: tuple[HotWord, ...]) -> SpelledWords | None:
        lexicon = {**spelled, **{hot.word: hot.spellings for hot in more}}
        return SpelledWords(lexicon, model) if spelled else None

    return lambda options: PrefixBeamSearch(
        tokens,
        model,
        spellings=spellings(tuple(hot for hot in options.hotwords if hot.spellings)),
        known=known,
        beam_size=options.phone_beam_size if spelled else options.beam_size,
        beam_threshold=options.beam_threshold,
        token_threshold=options.token_threshold,
        lm_weight=options.lm_weight,
        word_score=options.word_score,
        unk_score=options.unk_score,
        hotwords=options.hot_weights,
        nbest=options.nbest,
    )


def _beam_lm_bounds(lang_dir: Path) -> tuple[str, ...]:
    size, *thresholds = BOUNDS
    return f"phone_{size}" if has_phones(lang_dir) else size, *thresholds


def _no_ngram(lang_dir: Path) -> str | None:
    """Why ``beam-lm`` cannot run: an n-gram is read by KenLM, or an ARPA file by numba."""
    if (kenlm := missing("kenlm")) and (numba := missing("numba")):
        return f"{kenlm}, and {numba}; see docs/install.md"
    return None


def _lm_score(hyp: Hypothesis) -> float:
    return hyp.lm_score


def _larger_score(hyp: Hypothesis) -> float:
    return hyp.larger_score


def _unknown(hyp: Hypothesis) -> float:
    return float(hyp.unknown)


def _num_words(hyp: Hypothesis) -> float:
    return float(len(hyp.text.split()))


REGISTRY: Mapping[str, Method] = {  # in the order of results.tsv
    "greedy": Method(_load_greedy),
    "beam": Method(_load_beam, bounds=lambda _: BOUNDS, listens=True),
    "beam-lm": Method(
        _load_beam_lm,
        scales={
            "lm_weight": _lm_score,
            "word_score": _num_words,
            "unk_score": _unknown,
        },
        bounds=_beam_lm_bounds,
        why_not=_no_ngram,
        needs_lm=True,
        listens=True,
    ),
    "ctc": Method(graph_methods.load_ctc, why_not=graph_methods.no_k2),
    "hlg": Method(
        graph_methods.load_hlg,
        scales={"hlg_scale": _lm_score},
        why_not=graph_methods.no_graph,
        load_nbest=graph_methods.load_hlg_scales,
        needs_graph=True,
    ),
    "hlg-nbest": Method(
        graph_methods.load_nbest,
        scales={"nbest_own_scale": _lm_score, "nbest_larger_scale": _larger_score},
        why_not=graph_methods.no_larger_lm,
        load_nbest=graph_methods.load_nbest_scales,
        needs_graph=True,
        first="hlg",
    ),
    "hlg-lattice": Method(
        graph_methods.load_lattice,
        scales={"lattice_own_scale": _lm_score, "lattice_larger_scale": _larger_score},
        why_not=graph_methods.no_larger_graph,
        load_nbest=graph_methods.load_lattice_scales,
        needs_graph=True,
        first="hlg",
    ),
}
METHODS = tuple(REGISTRY)
