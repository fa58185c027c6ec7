"""The decoders that search graphs, for the registry of asr/decode/methods.py."""

import functools
import multiprocessing
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from asr.decode.child import call_in_child
from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import LogProbs, check_log_probs
from asr.decode.options import Decoder, Maker, Resources, SearchOptions
from asr.errors import RecipeError
from asr.packages import missing

if TYPE_CHECKING:
    from asr.decode.lattice import Beams

BACKENDS = ("auto", "k2", "kaldi-decoder")
# Tuning looks at the best paths for these multiples of the scale searched with.
RATIOS = tuple(2.0 ** (n / 3) for n in range(-9, 10))
WIDER = 2.0  # output beam of a lattice that has to hold what other scales want
MIXES = (0.0, 0.25, 0.5, 0.75, 1.0)  # parts that the larger LM has


def device() -> str:
    """Where k2 searches."""
    import torch  # not needed by the other decoders

    return "cuda" if torch.cuda.is_available() else "cpu"


def no_k2(lang_dir: Path) -> str | None:
    """Why what needs k2 cannot run."""
    reason = _no_k2()
    return None if reason is None else f"{reason}; see docs/install.md"


@functools.cache
def _no_k2() -> str | None:
    """Why k2 cannot be used.

    Where none of its decoders run it is imported by a process of its own: it takes
    hundreds of MB, and one that was made for another torch may take the process with it.
    """
    if find_spec("k2") is None or multiprocessing.parent_process() is not None:
        return missing("k2")
    try:
        found: str | None = call_in_child("k2", missing, "k2")
    except RecipeError as error:
        ended = str(error).removeprefix("k2: ").partition(";")[0]
        return f"k2 cannot be imported ({ended})"
    return found


def no_kaldi() -> str | None:
    """Why kaldi-decoder cannot be used."""
    return missing("kaldi_decoder") or missing("kaldifst")


def no_graph(lang_dir: Path) -> str | None:
    """Why ``hlg`` cannot run."""
    if (kaldi := no_kaldi()) and (k2 := no_k2(lang_dir)):
        return f"{kaldi}, and {k2}"
    if not (lang_dir / "HLG.pt").is_file():
        return f"{lang_dir / 'HLG.pt'} is missing: run the graph stage (5)"
    return None


def no_larger_lm(lang_dir: Path) -> str | None:
    """Why ``hlg-nbest`` cannot run."""
    reason = no_k2(lang_dir) or no_graph(lang_dir) or missing("kenlm")
    if reason is None and _larger_lm(lang_dir) is None:
        return "there is no larger n-gram: set lm.rescore_order and redo stages 4 and 5"
    return reason


def no_larger_graph(lang_dir: Path) -> str | None:
    """Why ``hlg-lattice`` cannot run."""
    reason = no_k2(lang_dir) or no_graph(lang_dir)
    if reason is None and not (lang_dir / "G.pt").is_file():
        return "there is no larger n-gram: set lm.rescore_order and redo stages 4 and 5"
    return reason


def choose_backend(wanted: str) -> str:
    """``k2`` or ``kaldi-decoder``: the latter on a CPU, unless another is asked for.

    Raises:
        RecipeError: it is not known, or does not work here.
    """
    if wanted not in BACKENDS:
        raise RecipeError(
            f"decode.hlg_backend is {wanted!r}: choose {', '.join(BACKENDS)}"
        )
    kaldi = no_kaldi()
    if wanted == "auto":
        gpu = device() != "cpu" and missing("k2") is None
        if kaldi and not gpu:
            print(f"hlg: {kaldi}, so k2 searches", flush=True)
        return "k2" if gpu or kaldi else "kaldi-decoder"
    reason = missing("k2") if wanted == "k2" else kaldi
    if reason:
        raise RecipeError(f"decode.hlg_backend: {reason}; choose auto")
    return wanted


def load_ctc(resources: Resources) -> Maker:
    """Best path of the CTC topology, with k2."""
    from asr.decode.hlg import CtcDecoder

    tokens, separator = resources.tokens, resources.separator
    return lambda options: _checked(
        CtcDecoder(tokens, separator=separator, beams=_beams(options), device=device()),
        len(tokens),
    )


def load_hlg(resources: Resources) -> Maker:
    """Best path of HLG; the graph is loaded by the backend that is first asked for."""
    loaded: dict[str, Maker] = {}

    def make(options: SearchOptions) -> Decoder:
        backend = choose_backend(options.hlg_backend)
        if backend not in loaded:
            load = _load_kaldi if backend == "kaldi-decoder" else _load_k2
            loaded[backend] = load(resources)
        return loaded[backend](options)

    return make


def _load_kaldi(resources: Resources) -> Maker:
    from asr.decode.kaldi import KaldiDecoder, load_kaldi_hlg

    hlg, vocab_size = load_kaldi_hlg(resources.lang_dir), len(resources.tokens)
    return lambda options: _checked(
        KaldiDecoder(
            hlg,
            hlg_scale=options.hlg_scale,
            search_beam=options.search_beam,
            min_active=options.min_active,
            max_active=options.max_active,
        ),
        vocab_size,
    )


def _load_k2(resources: Resources) -> Maker:
    from asr.decode.hlg import HlgDecoder
    from asr.decode.lattice import load_hlg as load

    hlg, vocab_size = load(resources.lang_dir, device()), len(resources.tokens)
    return lambda options: _checked(
        HlgDecoder(hlg, hlg_scale=options.hlg_scale, beams=_beams(options)), vocab_size
    )


def load_hlg_scales(resources: Resources) -> Maker:
    """Best paths for many scales from one lattice; without k2, for one."""
    if missing("k2"):
        return load_hlg(resources)
    from asr.decode.hlg import ScaledHlg
    from asr.decode.lattice import load_hlg as load

    hlg, vocab_size = load(resources.lang_dir, device()), len(resources.tokens)
    return lambda options: _checked(
        ScaledHlg(
            hlg,
            hlg_scale=options.hlg_scale,
            ratios=RATIOS,
            beams=_beams(options, WIDER),
        ),
        vocab_size,
    )


def load_nbest(resources: Resources) -> Maker:
    """N-best lists of lattices, rescored with the larger n-gram."""
    return _load_nbest(resources, lambda options: options.nbest)


def load_nbest_scales(resources: Resources) -> Maker:
    """The same with all that was sampled."""
    return _load_nbest(resources, lambda options: options.num_paths + 1)


def _load_nbest(resources: Resources, nbest: Callable[[SearchOptions], int]) -> Maker:
    from asr.decode.lattice import load_hlg as load
    from asr.decode.lattice_rescoring import NbestRescoring
    from asr.lm.ngram import NgramLm

    hlg, vocab_size = load(resources.lang_dir, device()), len(resources.tokens)
    path = _larger_lm(resources.lang_dir)
    assert path is not None  # no_larger_lm has seen to it
    larger = NgramLm(path)
    return lambda options: _checked(
        NbestRescoring(
            hlg,
            larger,
            hlg_scale=options.hlg_scale,
            own_scale=options.nbest_own_scale,
            larger_scale=options.nbest_larger_scale,
            num_paths=options.num_paths,
            nbest_scale=options.nbest_scale,
            nbest=nbest(options),
            beams=_beams(options),
        ),
        vocab_size,
    )


def load_lattice(resources: Resources) -> Maker:
    """Whole lattices rescored with the larger n-gram."""
    return _load_lattice(resources, lambda options: ())


def load_lattice_scales(resources: Resources) -> Maker:
    """Best paths for many scales from one rescored lattice."""
    return _load_lattice(
        resources,
        lambda options: tuple(
            (options.hlg_scale * ratio * (1 - mix), options.hlg_scale * ratio * mix)
            for ratio in RATIOS[::2]
            for mix in MIXES
        ),
    )


def _load_lattice(
    resources: Resources,
    others: Callable[[SearchOptions], tuple[tuple[float, float], ...]],
) -> Maker:
    from asr.decode.lattice import load_hlg as load
    from asr.decode.lattice_rescoring import LatticeRescoring, load_rescoring_grammar

    hlg, vocab_size = load(resources.lang_dir, device()), len(resources.tokens)
    larger = load_rescoring_grammar(resources.lang_dir, device())
    return lambda options: _checked(
        LatticeRescoring(
            hlg,
            larger,
            hlg_scale=options.hlg_scale,
            own_scale=options.lattice_own_scale,
            larger_scale=options.lattice_larger_scale,
            others=others(options),
            beams=_beams(options),
        ),
        vocab_size,
    )


def _larger_lm(lang_dir: Path) -> Path | None:
    """The n-gram to rescore with, that stage 5 points to."""
    paths = (lang_dir / "larger.bin", lang_dir / "larger.arpa")
    return next((path for path in paths if path.is_file()), None)


def _beams(options: SearchOptions, wider: float = 1.0) -> "Beams":
    from asr.decode.lattice import Beams

    return Beams(
        search_beam=options.search_beam,
        output_beam=options.output_beam * wider,
        min_active=options.min_active,
        max_active=options.max_active,
    )


def _checked(decoder: Decoder, vocab_size: int) -> Decoder:
    def decode(log_probs: LogProbs) -> list[Hypothesis]:
        check_log_probs(log_probs, vocab_size)
        return decoder(log_probs)

    return decode
