"""Times and confidences of a hypothesis's words, from its best alignment.

The best path of CTC (Graves et al., ICML 2006) through the given tokens says which
frames belong to which token. A word lasts from the first frame of its first letters to
the last frame of its last ones; CTC models tend to emit a token in one or two frames,
so that words come out short, with the blanks between them left over.

A token's confidence is its largest posterior among its frames, a word's is the mean over
its tokens. See docs/decoders.md for how well that tells right words from wrong ones.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from asr.decode.hypothesis import Hypothesis, Word
from asr.decode.log_probs import LogProbs
from asr.decode.vocabulary import Vocabulary
from asr.fsa.lexicon import Lexicon, Spelling

Spelled = list[tuple[str, Spelling]]  # words, and the tokens that each has


def add_words(
    hyps: Sequence[Hypothesis],
    log_probs: LogProbs,
    vocabulary: Vocabulary,
    frame_shift: float,
    lexicon: Lexicon | None = None,
) -> list[Hypothesis]:
    """Fill ``words`` of the hypotheses that have none.

    Args:
        hyps: of one utterance.
        log_probs: ``(T, V)``, natural log, normalised.
        vocabulary: what the V tokens mean.
        frame_shift: seconds between two rows.
        lexicon: spellings, for hypotheses whose text does not follow from their tokens.

    A hypothesis that cannot be aligned keeps no words.
    """
    found = list(hyps)
    for i, hyp in enumerate(hyps):
        if hyp.text and not hyp.words:
            words = _words(hyp, log_probs, vocabulary, frame_shift, lexicon)
            found[i] = replace(hyp, words=words)
    return found


def _words(
    hyp: Hypothesis,
    log_probs: LogProbs,
    vocabulary: Vocabulary,
    frame_shift: float,
    lexicon: Lexicon | None,
) -> tuple[Word, ...]:
    if hyp.tokens and vocabulary.text(hyp.tokens) == hyp.text:
        return time_words(log_probs, hyp.tokens, vocabulary, frame_shift)
    words = hyp.text.split()
    if lexicon is None or not all(word in lexicon for word in words):
        return ()
    spelled = spell_as(words, hyp.tokens, lexicon)
    if spelled is None:
        spelled = best_spellings(words, log_probs, vocabulary.blank, lexicon)
    ids = tuple(i for _, spelling in spelled for i in spelling)
    if vocabulary.text(ids) == hyp.text:  # a space that ends a word is no part of it
        return time_words(log_probs, ids, vocabulary, frame_shift)
    return _timed(log_probs, spelled, vocabulary.blank, frame_shift)


def spell_as(
    words: Sequence[str], tokens: Spelling, lexicon: Lexicon
) -> Spelled | None:
    """The words with those of their spellings that together are ``tokens``, if any."""
    if not words:
        return None if tokens else []
    for spelling in lexicon[words[0]]:
        if tokens[: len(spelling)] == tuple(spelling):
            rest = spell_as(words[1:], tokens[len(spelling) :], lexicon)
            if rest is not None:
                return [(words[0], tuple(spelling)), *rest]
    return None


def best_spellings(
    words: Sequence[str], log_probs: LogProbs, blank: int, lexicon: Lexicon
) -> Spelled:
    """The words with the spellings that fit the utterance best.

    One word after the other, the others as they are by then: not all combinations.
    """
    spelled = [(word, tuple(lexicon[word][0])) for word in words]
    if all(len(lexicon[word]) == 1 for word in words):
        return spelled
    best = _alignment_score(log_probs, spelled, blank)
    for place, word in enumerate(words):
        for spelling in lexicon[word][1:]:
            other = [*spelled[:place], (word, tuple(spelling)), *spelled[place + 1 :]]
            score = _alignment_score(log_probs, other, blank)
            if score > best:
                best, spelled = score, other
    return spelled


def _alignment_score(log_probs: LogProbs, spelled: Spelled, blank: int) -> float:
    from asr.decode.viterbi import best_path  # numba takes time to load

    ids = [i for _, spelling in spelled for i in spelling]
    return float(best_path(log_probs, np.array(ids, np.int64), blank)[1])


def time_words(
    log_probs: LogProbs, ids: Sequence[int], vocabulary: Vocabulary, frame_shift: float
) -> tuple[Word, ...]:
    """Words of a token sequence with times and confidences.

    Args:
        log_probs: ``(T, V)``, natural log.
        ids: the tokens, without blanks.
        vocabulary: what they mean.
        frame_shift: seconds from one row of ``log_probs`` to the next.

    No words if the tokens are impossible (too few frames, or -inf).
    """
    places: list[list[int]] = []  # of each word those of its tokens
    begun = True
    for place, token in enumerate(ids):
        begun = begun or vocabulary.starts_word[token]
        if not vocabulary.pieces[token]:
            continue
        if begun:
            places.append([])
        places[-1].append(place)
        begun = False
    texts = ["".join(vocabulary.pieces[ids[i]] for i in some) for some in places]
    groups = zip(texts, places, strict=True)
    return tuple(_aligned(log_probs, ids, groups, vocabulary.blank, frame_shift))


def _timed(
    log_probs: LogProbs, spelled: Spelled, blank: int, frame_shift: float
) -> tuple[Word, ...]:
    ids = [i for _, spelling in spelled for i in spelling]
    ends = np.cumsum([len(spelling) for _, spelling in spelled]).tolist()
    groups = (
        (word, range(end - len(spelling), end))
        for (word, spelling), end in zip(spelled, ends, strict=True)
    )
    return tuple(_aligned(log_probs, ids, groups, blank, frame_shift))


def _aligned(
    log_probs: LogProbs,
    ids: Sequence[int],
    groups: Iterable[tuple[str, Sequence[int]]],
    blank: int,
    frame_shift: float,
) -> Iterator[Word]:
    """Words from their texts and the places of their tokens."""
    from asr.decode.viterbi import best_path  # numba takes time to load

    frames, total = best_path(log_probs, np.array(ids, np.int64), blank)
    if total == -np.inf:
        return
    peaks = [
        float(log_probs[first : last + 1, token].max())
        for (first, last), token in zip(frames.tolist(), ids, strict=True)
    ]
    for text, places in groups:
        yield Word(
            text,
            round(float(frames[places[0], 0]) * frame_shift, 6),
            round(float(frames[places[-1], 1] + 1) * frame_shift, 6),
            min(1.0, sum(math.exp(min(0.0, peaks[p])) for p in places) / len(places)),
        )
