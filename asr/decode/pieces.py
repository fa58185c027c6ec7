"""Long recordings as pieces that decoders can take, and their hypotheses joined.

A piece ends where a word begins after a pause. As the search of a piece knows nothing of
its neighbours, memory is that of the longest piece.
"""

import heapq
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from asr.decode.hypothesis import Hypothesis, Word
from asr.decode.vocabulary import Vocabulary

LogProbs = NDArray[np.float32]


def cut_pieces(
    parts: Iterable[LogProbs], vocabulary: Vocabulary, longest: int
) -> Iterator[tuple[int, LogProbs]]:
    """Cut log-probs into pieces of at most ``longest`` rows, and at least half of that.

    Args:
        parts: (T', V) of a recording, in order.

    Yields:
        The row at which a piece begins, and the piece. What is not longer than
        ``longest`` is one piece, also if it has no row.
    """
    begin, held, ended = 0, [], False
    size = 0
    source = iter(parts)
    while True:
        while size <= longest and not ended:
            part = next(source, None)
            ended = part is None
            if part is not None:
                held.append(part)
                size += len(part)
        rows = np.concatenate(held) if held else np.zeros((0, len(vocabulary)), "f4")
        if size <= longest:
            yield begin, rows
            return
        end = cut_at(rows[:longest], vocabulary)
        yield begin, rows[:end]
        begin, held, size = begin + end, [rows[end:]], size - end


def cut_at(rows: LogProbs, vocabulary: Vocabulary) -> int:
    """Row in the second half at which to cut.

    The middle of the longest run of blanks (by the best token of each row) that a token
    which begins a word follows; without one, of the longest run of blanks; without any,
    the end.
    """
    best = rows.argmax(axis=1)
    half = len(rows) // 2
    blank = np.concatenate([[False], best == vocabulary.blank, [False]])
    edges = np.flatnonzero(blank[1:] != blank[:-1])
    runs = [
        (max(int(first), half), int(last))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
        if last > half
    ]
    before_words = [
        (first, last)
        for first, last in runs
        if last < len(rows) and vocabulary.starts_word[best[last]]
    ]
    chosen = before_words or runs
    if not chosen:
        return len(rows)
    first, last = max(chosen, key=lambda run: (run[1] - run[0], run[0]))
    return max(1, (first + last + 1) // 2)


def join_hypotheses(
    pieces: Sequence[tuple[float, Sequence[Hypothesis]]], nbest: int
) -> list[Hypothesis]:
    """The n-best list of a recording from those of its pieces.

    Args:
        pieces: seconds at which a piece begins, and its hypotheses, best first.

    Scores add up; the best combination comes first, and of the others the best
    ``nbest`` in all.
    """
    if len(pieces) == 1:
        return list(pieces[0][1])
    choices = _best_choices([[h.score for h in hyps] for _, hyps in pieces], nbest)
    # Moved in time once, so that the combinations share the words, which are many.
    lists = [[_moved(hyp, seconds) for hyp in hyps] for seconds, hyps in pieces]
    return [
        _joined([hyps[i] for hyps, i in zip(lists, choice, strict=True)])
        for choice in choices
    ]


def _best_choices(scores: Sequence[Sequence[float]], nbest: int) -> list[list[int]]:
    """Places in each list, for the largest sums; equal sums in a fixed order."""
    kept: list[float] = [0.0]
    back: list[list[tuple[int, int]]] = []
    for row in scores:
        sums = (
            (-(total + score), i, j)
            for i, total in enumerate(kept)
            for j, score in enumerate(row[:nbest])
        )
        best = heapq.nsmallest(nbest, sums)
        kept = [-cost for cost, _, _ in best]
        back.append([(i, j) for _, i, j in best])
    choices = []
    for last in range(len(kept)):
        choice, at = [], last
        for links in reversed(back):
            at, place = links[at]
            choice.append(place)
        choices.append(choice[::-1])
    return choices


def _joined(hyps: Sequence[Hypothesis]) -> Hypothesis:
    timed = all(hyp.words or not hyp.text for hyp in hyps)
    return Hypothesis(
        text=" ".join(hyp.text for hyp in hyps if hyp.text),
        tokens=tuple(itertools.chain.from_iterable(hyp.tokens for hyp in hyps)),
        score=sum(hyp.score for hyp in hyps),
        am_score=sum(hyp.am_score for hyp in hyps),
        lm_score=sum(hyp.lm_score for hyp in hyps),
        failed=all(hyp.failed for hyp in hyps),
        words=tuple(word for hyp in hyps for word in hyp.words if timed),
        second_try=any(hyp.second_try for hyp in hyps),
        larger_score=sum(hyp.larger_score for hyp in hyps),
    )


def _moved(hyp: Hypothesis, seconds: float) -> Hypothesis:
    return replace(hyp, words=tuple(_later(word, seconds) for word in hyp.words))


def _later(word: Word, seconds: float) -> Word:
    return replace(
        word, start=round(word.start + seconds, 6), end=round(word.end + seconds, 6)
    )
