"""What decoders are made of and with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import LogProbs
from asr.errors import UsageError
from asr.text.tokenizer import read_tokens
from asr.text.units import separator


@dataclass(frozen=True)
class HotWord:
    """A word to listen for.

    Attributes:
        weight: ln, added each time.
        spellings: token ids of its pronunciations, where a lexicon says what words there
            are and this one is not among them.
    """

    word: str
    weight: float
    spellings: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class SearchOptions:
    """What bounds the searches, and the scales tuned on dev. Scores are ln.

    ``beam`` and ``beam-lm`` are described in ``PrefixBeamSearch`` (``lm_weight`` and
    what follows it for ``beam-lm`` only; with phones that has ``phone_beam_size``, since
    each phone asks more of the beam than a piece does); ``ctc`` and ``hlg`` in asr/decode/lattice.py
    (``Beams``), ``hlg-nbest`` and ``hlg-lattice`` in asr/decode/lattice_rescoring.py;
    ``frame_shift`` is the seconds between two rows of log-probs, for the times of words;
    ``hotwords`` are for the methods that listen (``Method.listens``).
    """

    beam_size: int = 32
    phone_beam_size: int = 128
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
    hlg_backend: str = "auto"
    num_paths: int = 100
    nbest_scale: float = 0.5
    nbest_own_scale: float = 0.5
    nbest_larger_scale: float = 0.5
    lattice_own_scale: float = 0.5
    lattice_larger_scale: float = 0.5
    frame_shift: float = 0.04
    hotwords: tuple[HotWord, ...] = ()

    @property
    def hot_weights(self) -> dict[str, float]:
        """Weights by word."""
        return {hot.word: hot.weight for hot in self.hotwords}

    @property
    def hot_spellings(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """Pronunciations of the hot words that have their own."""
        return {hot.word: hot.spellings for hot in self.hotwords if hot.spellings}


# Left open by ``null`` in the configuration: stage 7 chooses them on dev.
CHOSEN = (
    "beam_size",
    "phone_beam_size",
    "beam_threshold",
    "token_threshold",
    "unk_score",
)


def stated(values: Mapping[str, object]) -> dict[str, Any]:
    """Of options by name those that have a value."""
    return {name: value for name, value in values.items() if value is not None}


def checked(options: SearchOptions) -> SearchOptions:
    """The same; UsageError where a bound is one that no search can work with."""
    for name, fits, needs in (
        ("beam_size", options.beam_size >= 1, "at least 1"),
        ("phone_beam_size", options.phone_beam_size >= 1, "at least 1"),
        ("nbest", options.nbest >= 1, "at least 1"),
        ("beam_threshold", options.beam_threshold > 0, "above 0"),
        ("token_threshold", options.token_threshold > 0, "above 0"),
        ("search_beam", options.search_beam > 0, "above 0"),
        ("output_beam", options.output_beam > 0, "above 0"),
        ("max_active", options.max_active >= 2, "at least 2"),
        (
            "min_active",
            0 <= options.min_active < options.max_active,
            f"0 or more, and less than max_active ({options.max_active})",
        ),
        ("num_paths", options.num_paths >= 1, "at least 1"),
    ):
        if not fits:
            raise UsageError(f"decode.{name}={getattr(options, name)}: {needs}")
    return options


@dataclass(frozen=True)
class Resources:
    """What decoders are loaded from.

    Attributes:
        lang_dir: ``tokens.txt``; for graphs also ``words.txt`` and ``HLG.pt``.
        lm: n-gram (ARPA or binary), or None.

    Of graphs also ``G.pt`` and ``larger.bin`` or ``larger.arpa``, the n-gram that
    lattices and n-best lists are rescored with.
    """

    lang_dir: Path
    lm: Path | None

    @property
    def tokens(self) -> list[str]:
        return read_tokens(self.lang_dir / "tokens.txt")

    @property
    def separator(self) -> str:
        """Between the tokens of a text."""
        return separator(self.lang_dir)


Decoder = Callable[[LogProbs], list[Hypothesis]]
Maker = Callable[[SearchOptions], Decoder]
Loader = Callable[[Resources], Maker]
