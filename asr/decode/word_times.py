"""Words with times and confidences for decoders that find none themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from asr.decode.align_times import Spans, align_tokens
from asr.decode.hypothesis import Hypothesis, Word
from asr.decode.log_probs import LogProbs
from asr.text.tokenizer import WORD_START

Lexicon = Mapping[str, Sequence[int]]  # token ids of each word


def add_words(
    hyps: Sequence[Hypothesis],
    log_probs: LogProbs,
    tokens: Sequence[str],
    frame_shift: float,
    lexicon: Lexicon | None = None,
) -> list[Hypothesis]:
    """Fill ``words`` of the hypotheses that have none, from a forced alignment.

    Args:
        hyps: of one utterance.
        log_probs: ``(T, V)``, natural log, normalised.
        tokens: the V tokens.
        frame_shift: seconds between two rows.
        lexicon: spellings, for hypotheses that have a text but no tokens.

    A word begins with the first frame of its first token that writes something (not
    of a ``▁`` alone) and ends after the last frame of its last one. Its confidence is
    the geometric mean of its tokens' probabilities, each in its best frame. A
    hypothesis that cannot be aligned keeps no words.
    """
    spelled = {
        i: ids
        for i, hyp in enumerate(hyps)
        if hyp.text and not hyp.words and (ids := spelling(hyp, lexicon))
    }
    aligned = align_tokens(log_probs, list(spelled.values()))
    found = list(hyps)
    for (i, ids), spans in zip(spelled.items(), aligned, strict=True):
        if spans is not None:
            words = _timed(ids, spans, log_probs, tokens, frame_shift)
            found[i] = replace(hyps[i], words=words)
    return found


def spelling(hyp: Hypothesis, lexicon: Lexicon | None) -> tuple[int, ...]:
    """Token ids of a hypothesis: its own, else its words'; none if one is unknown."""
    words = hyp.text.split()
    if hyp.tokens or lexicon is None or not all(word in lexicon for word in words):
        return hyp.tokens
    return tuple(i for word in words for i in lexicon[word])


def split_words(pieces: Sequence[str]) -> list[tuple[str, int, int]]:
    """The words that token pieces spell, each with its first and last piece.

    A piece of ``▁`` alone belongs to no word. The words are those of
    ``asr.text.tokenizer.join_pieces``.
    """
    characters = [(char, i) for i, piece in enumerate(pieces) for char in piece]
    words = []
    for is_mark, group in groupby(characters, key=lambda c: c[0] == WORD_START):
        if not is_mark:
            chars, indices = zip(*group, strict=True)
            words.append(("".join(chars), indices[0], indices[-1]))
    return words


def _timed(
    ids: Sequence[int],
    spans: Spans,
    log_probs: LogProbs,
    tokens: Sequence[str],
    frame_shift: float,
) -> tuple[Word, ...]:
    best = [
        float(log_probs[begin:end, i].max())
        for i, (begin, end) in zip(ids, spans.tolist(), strict=True)
    ]
    words = []
    for text, first, last in split_words([tokens[i] for i in ids]):
        mean = float(np.mean(best[first : last + 1]))
        start, end = float(spans[first, 0]), float(spans[last, 1])
        confidence = min(1.0, float(np.exp(mean)))
        words.append(Word(text, start * frame_shift, end * frame_shift, confidence))
    return tuple(words)
