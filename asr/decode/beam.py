"""Prefix beam search for any CTC model: the one to use.

``prefix_beam`` says what is computed and ``beam_kernel`` computes it; without numba
the former does, more slowly.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from asr.decode.hot_words import weights_of
from asr.decode.hypothesis import Hypothesis, no_path
from asr.decode.known_words import KnownWords
from asr.decode.log_probs import LogProbs, check_log_probs
from asr.decode.prefix_beam import Pruning, ReferenceBeamSearch
from asr.decode.spelled_beam import ReferenceSpelledSearch
from asr.decode.spelled_words import Lexicon, SpelledWords
from asr.decode.vocabulary import Vocabulary
from asr.decode.word_lm import Fusion, WordModel
from asr.decode.word_times import add_words
from asr.errors import RecipeError
from asr.packages import missing

MIN_BEAM_FOR_THREADS = 32


class _Search(Protocol):
    def search(self, log_probs: LogProbs, nbest: int) -> list[Hypothesis]: ...

    def twin(self) -> "_Search | None": ...


class PrefixBeamSearch:
    """CTC prefix beam search with an n-gram, a lexicon and hot words, all optional.

    Called on one utterance's log-probs ``(T, V)`` it returns the n-best list; called
    on a padded batch ``(B, T, V)`` with the lengths ``(B,)``, a list of them. Arrays
    are numpy's or torch's, floating-point natural logs. An utterance without any
    possible path gets one empty hypothesis, marked ``failed``.

    Args:
        tokens: the V tokens by id: pieces with ``▁``, or letters with ``|``,
            ``<space>`` or a space. See ``Vocabulary``.
        lm: n-gram over words: an ARPA or KenLM binary file, or a loaded ``NgramLm``.
        lexicon: the only words allowed: a collection, or a file with a word (and
            whatever after it) a line. Any way to spell them in tokens counts.
        spellings: token ids of the only words allowed, for tokens that do not show where
            a word begins, as phones: the words' ends are then where these say. A word may
            have several, and words may share one.
        known: the words of ``lm`` or ``lexicon``, where several searches share them.
        token_lm: n-gram over the tokens as they are written, instead of ``lm``.
        blank: id of the blank.
        separator: a space if each token is a word of its own in a text, as phones are.
        beam_size: prefixes kept after each frame.
        beam_threshold: prefixes this far below the best one are dropped (ln).
        token_threshold: tokens this far below the frame's best are not tried (ln).
        histories: with an LM, prefixes kept of those with the same future: the same LM
            state, unfinished word and last token. More than one is for tests and n-best
            lists.
        lm_weight: factor of the LM's ln probability.
        word_score: added for every word.
        unk_score: added for every word (token) that the LM does not know.
        hotwords: words that get ``hotword_weight``, or words with weights of their own;
            phrases count as their words, and a string is one phrase. They do not get
            ``unk_score``.
        hotword_weight: ln; shares of it go to unfinished words, see ``hot_words``.
        nbest: hypotheses returned.
        timed: so many of the best get ``words`` with times and confidences.
        frame_shift: seconds between two rows of the log-probs.
        threads: at most so many search a batch, if the beam is wide enough to gain.

    Raises RecipeError if something does not fit, saying what.
    """

    def __init__(
        self,
        tokens: Sequence[str],
        lm: WordModel | str | Path | None = None,
        *,
        lexicon: Iterable[str] | Path | None = None,
        spellings: Lexicon | SpelledWords | None = None,
        known: KnownWords | None = None,
        token_lm: WordModel | str | Path | None = None,
        blank: int = 0,
        separator: str = "",
        beam_size: int = 32,
        beam_threshold: float = 14.0,
        token_threshold: float = 8.0,
        histories: int = 1,
        lm_weight: float = 0.5,
        word_score: float = 0.0,
        unk_score: float = -4.0,
        hotwords: Iterable[str] | Mapping[str, float] = (),
        hotword_weight: float = 10.0,
        nbest: int = 1,
        timed: int = 0,
        frame_shift: float = 0.04,
        threads: int = 2,
    ) -> None:
        if beam_size < 1 or nbest < 1:
            raise RecipeError("beam search: beam_size and nbest must be 1 at least")
        self.vocabulary = Vocabulary(tokens, blank, separator)
        self.nbest = nbest
        self.timed = timed
        self.frame_shift = frame_shift
        self._lm = words = _load(lm)
        if spellings is not None and not isinstance(spellings, SpelledWords):
            spellings = SpelledWords(spellings, words)
        self._spellings = None if spellings is None else spellings.lexicon
        hot = weights_of(hotwords, hotword_weight)
        fusion = Fusion(
            lm=words,
            known=known,
            token_lm=_load(token_lm),
            lm_weight=lm_weight,
            word_score=word_score,
            unk_score=unk_score,
            lexicon=None if lexicon is None else _read_words(lexicon),
            spelled=spellings,
            hotwords=hot,
        )
        pruning = Pruning(beam_size, beam_threshold, token_threshold, histories)
        self._searches = [_make_search(self.vocabulary, fusion, pruning)]
        # Python's own work, a quarter of a millisecond an utterance, is not shared out.
        self._threads = threads if beam_size >= MIN_BEAM_FOR_THREADS else 1

    @overload
    def __call__(self, log_probs: Any) -> list[Hypothesis]: ...

    @overload
    def __call__(self, log_probs: Any, lengths: Any) -> list[list[Hypothesis]]: ...

    def __call__(
        self, log_probs: Any, lengths: Any = None
    ) -> list[Hypothesis] | list[list[Hypothesis]]:
        """Search one utterance ``(T, V)``, or a batch ``(B, T, V)`` with lengths."""
        if lengths is not None:
            return self.batch(log_probs, lengths)
        rows = _as_array(log_probs)
        if rows.ndim == 3:
            raise RecipeError(
                f"log-probs have shape {rows.shape}: a batch needs lengths, as in "
                "search(log_probs, lengths)"
            )
        return self._decode(self._searches[0], rows)

    def batch(self, log_probs: Any, lengths: Any) -> list[list[Hypothesis]]:
        """N-best lists of a padded batch ``(B, T, V)`` with lengths ``(B,)``."""
        padded, ends = _as_array(log_probs), [int(length) for length in lengths]
        if padded.ndim != 3 or len(padded) != len(ends):
            raise RecipeError(
                f"log-probs have shape {padded.shape}, need (utterances, frames, "
                f"{len(self.vocabulary)}) for {len(ends)} lengths"
            )
        if ends and not 0 <= min(ends) <= max(ends) <= padded.shape[1]:
            raise RecipeError(f"lengths {ends} do not fit {padded.shape[1]} frames")
        return self._decode_all([padded[i, :end] for i, end in enumerate(ends)])

    def _decode_all(self, utterances: list[LogProbs]) -> list[list[Hypothesis]]:
        while len(self._searches) < min(self._threads, len(utterances)):
            twin = self._searches[0].twin()
            if twin is None:
                break
            self._searches.append(twin)
        found: list[list[Hypothesis]] = [[]] * len(utterances)
        numbers = iter(range(len(utterances)))  # each thread takes the next one

        def work(search: _Search) -> None:
            for i in numbers:
                found[i] = self._decode(search, utterances[i])

        if len(self._searches) == 1 or len(utterances) < 2:
            work(self._searches[0])
        else:
            with ThreadPoolExecutor(len(self._searches)) as pool:
                list(pool.map(work, self._searches))
        return found

    def _decode(self, search: _Search, log_probs: LogProbs) -> list[Hypothesis]:
        check_log_probs(log_probs, len(self.vocabulary))
        found = search.search(log_probs, self.nbest)
        if not found:
            return [no_path()]
        if self._lm is not None:
            lm = self._lm
            counts = (sum(word not in lm for word in h.text.split()) for h in found)
            found = [replace(h, unknown=n) for h, n in zip(found, counts, strict=True)]
        found[: self.timed] = add_words(
            found[: self.timed],
            log_probs,
            self.vocabulary,
            self.frame_shift,
            self._spellings,
        )
        return found


def _make_search(vocabulary: Vocabulary, fusion: Fusion, pruning: Pruning) -> _Search:
    if numba_is_missing():
        reference = ReferenceSpelledSearch if fusion.spelled else ReferenceBeamSearch
        return reference(vocabulary, fusion, pruning)
    from asr.decode.beam_compiled import CompiledBeamSearch  # numba takes time to load

    return CompiledBeamSearch(vocabulary, fusion, pruning)


@functools.cache
def numba_is_missing() -> bool:
    """Whether the search has to do without numba; says so, once."""
    reason = missing("numba")
    if reason:
        print(f"beam search: {reason}, so it is slower", flush=True)
    return reason is not None


def _load(lm: WordModel | str | Path | None) -> WordModel | None:
    if not isinstance(lm, str | Path):
        return lm
    from asr.lm.arpa import load_lm  # needed only with an LM

    return load_lm(Path(lm))


def _read_words(lexicon: Iterable[str] | Path) -> frozenset[str]:
    """The words; of a file, the first column."""
    if not isinstance(lexicon, str | Path):
        return frozenset(lexicon)
    try:
        lines = Path(lexicon).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"lexicon {lexicon} cannot be read: {error}") from None
    return frozenset(line.split()[0] for line in lines if line.strip())


def _as_array(values: Any) -> NDArray[np.float32]:
    """A float32 array of numpy's, torch's or nested numbers."""
    if hasattr(values, "detach"):
        values = values.detach().float().cpu().numpy()  # numpy knows no bfloat16
    return np.ascontiguousarray(values, dtype=np.float32)
