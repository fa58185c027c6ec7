"""CTC prefix beam search as it is written down: the reference of the fast one.

Graves, "Supervised sequence labelling with recurrent neural networks", 2012, section
7.5.3; Hannun et al., "First-pass large vocabulary continuous speech recognition using
bi-directional recurrent DNNs", arXiv:1408.2873. A prefix is a token sequence. It keeps
two probabilities, summed over all alignments with the frames so far:

    p_b   of the alignments that end in blank
    p_nb  of those that end in the prefix's last token

Both are needed because the same token again is a repeat (nothing new) after the token
itself, but a new token after a blank. All values are natural logarithms.
"""

import heapq
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import LogProbs
from asr.decode.prefix import NEG_INF, Prefix, log_add
from asr.decode.vocabulary import Vocabulary
from asr.decode.word_lm import Fusion, WordScorer

Scored = tuple[float, int, Prefix]  # cost, order, prefix


@dataclass(frozen=True)
class Pruning:
    """How wide a beam search is.

    With everything unlimited the acoustic score is the sum over all alignments.

    Attributes:
        beam_size: prefixes kept after each frame.
        beam_threshold: prefixes this far below the best one are dropped (ln).
        token_threshold: tokens this far below the frame's best are not tried (ln).
        histories: prefixes kept of those with the same future, see ``_future``.
    """

    beam_size: int
    beam_threshold: float
    token_threshold: float
    histories: int = 1


class ReferenceBeamSearch:
    """Decodes one utterance at a time, in plain Python."""

    def __init__(
        self, vocabulary: Vocabulary, fusion: Fusion, pruning: Pruning
    ) -> None:
        self.vocabulary = vocabulary
        self.fusion = fusion
        self.pruning = pruning

    def search(self, log_probs: LogProbs, nbest: int) -> list[Hypothesis]:
        """Search ``(T, V)`` log-probs; best first, none if nothing is possible."""
        scorer = WordScorer(self.fusion)  # its cache lives one utterance
        root = self._root(scorer)
        root.p_b = 0.0  # before the first frame: the empty prefix, for certain
        beam = [root]
        ids, ends = choose_tokens(log_probs, self.vocabulary, self.pruning)
        for t, row in enumerate(log_probs.tolist()):
            candidates = ids[ends[t] : ends[t + 1]].tolist()
            beam = self._prune(self._advance(beam, row, candidates, scorer))
        return self._finish(beam, scorer, log_probs, nbest)

    def twin(self) -> None:
        """None: threads would only take turns."""

    def _root(self, scorer: WordScorer) -> Prefix:
        return Prefix(None, None, "", scorer.begin(), 0.0)

    def _advance(
        self,
        beam: list[Prefix],
        row: list[float],
        candidates: Sequence[int],
        scorer: WordScorer,
    ) -> list[Prefix]:
        """One frame: every prefix stays or grows by a token; return all that exist."""
        reached: dict[Prefix, None] = dict.fromkeys(beam)  # ordered: ties stay put
        for prefix in beam:
            p_b, p_nb, p, last = prefix.p_b, prefix.p_nb, prefix.p, prefix.token
            # Blank: the prefix stays, whatever it ended in.
            prefix.next_b = log_add(prefix.next_b, p + row[self.vocabulary.blank])
            # Repeat: the last token goes on for another frame; the prefix stays. So it
            # does where a space follows a space, after a blank too.
            if last is not None:
                again = p if last in candidates and self._is_gap(last) else p_nb
                prefix.next_nb = log_add(prefix.next_nb, again + row[last])
            for token in candidates:
                if token == last and self._is_gap(token):
                    continue
                # Extend: a new token. The same one again is new only after a blank.
                before = p_b if token == last else p
                for child in self._children(prefix, token, scorer, before):
                    child.next_nb = log_add(child.next_nb, before + row[token])
                    reached[child] = None
        return list(reached)

    def _is_gap(self, token: int) -> bool:
        """Whether a token is a space alone; to an LM of tokens each is one."""
        return not self.vocabulary.pieces[token] and self.fusion.token_lm is None

    def _children(
        self, prefix: Prefix, token: int, scorer: WordScorer, before: float
    ) -> list[Prefix]:
        """The prefixes with one more token, none if ``before`` is impossible."""
        child = self._child(prefix, token, scorer)
        return [child] if child is not None and before > NEG_INF else []

    def _child(self, prefix: Prefix, token: int, scorer: WordScorer) -> Prefix | None:
        """The prefix with one more token, or None where the lexicon has no such word.

        A token that begins a word gives the LM the word before.
        """
        if token in prefix.children:
            return prefix.children[token]
        word, lm = prefix.word, prefix.lm
        if self.vocabulary.starts_word[token] and word:
            if not scorer.complete(word):
                return None
            word, lm = "", scorer.add_word(lm, word)
        word += self.vocabulary.pieces[token]
        if not scorer.allows(word):
            return None
        lm = scorer.add_token(lm, self.vocabulary.tokens[token])
        child = Prefix(prefix, token, word, lm, scorer.partial(word))
        prefix.children[token] = child
        return child

    def _prune(self, reached: list[Prefix]) -> list[Prefix]:
        """Take over the new probabilities; keep the best prefixes that are possible."""
        scored = []
        for order, prefix in enumerate(reached):
            prefix.p_b, prefix.p_nb = prefix.next_b, prefix.next_nb
            prefix.next_b = prefix.next_nb = NEG_INF
            if prefix.score > NEG_INF:
                scored.append((-prefix.score, order, prefix))
        best = heapq.nsmallest(self.pruning.beam_size, self._recombined(scored))
        limit = best[0][0] + self.pruning.beam_threshold if best else 0.0
        kept = sorted((order, p) for cost, order, p in best if cost <= limit)
        return [prefix for _, prefix in kept]

    def _recombined(self, scored: list[Scored]) -> list[Scored]:
        """The best of each future, as many as may share it."""
        counts: Counter[Hashable] = Counter()
        best = []
        for item in sorted(scored):
            future = self._future(item[2])
            counts[future] += 1
            if counts[future] <= self.pruning.histories:
                best.append(item)
        return best

    def _future(self, prefix: Prefix) -> Hashable:
        """What alone decides how a prefix may go on: without an LM all of it."""
        if self.fusion.model is None:
            return prefix
        return prefix.lm.state, prefix.word, prefix.token

    def _finish(
        self, beam: list[Prefix], scorer: WordScorer, log_probs: LogProbs, nbest: int
    ) -> list[Hypothesis]:
        """Add the last word and ``</s>``; sort by the whole score.

        If no last word is whole (by the lexicon), all of them are left out.
        """
        whole = [prefix for prefix in beam if scorer.complete(prefix.word)]
        found = []
        for prefix in whole or beam:
            ids, word = prefix.ids(), prefix.word if whole else ""
            if not whole:
                ids = self.vocabulary.without_last_word(ids)
            end = scorer.finish(prefix.lm, word)
            found.append((prefix.p + end.bonus, ids, prefix.p, end.lm_score))
        return ranked(found, self.vocabulary)[:nbest]


def choose_tokens(
    log_probs: LogProbs, vocabulary: Vocabulary, pruning: Pruning
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tokens to extend prefixes with: ``ids[ends[t] : ends[t + 1]]`` at frame t.

    None where blank leaves no room. At most ``beam_size``, the best, ties by id: no
    more children of one prefix could stay in the beam, but for what the LM says.
    """
    floor = log_probs.max(axis=1, keepdims=True, initial=NEG_INF)
    floor -= np.float32(pruning.token_threshold)
    allowed = (log_probs >= floor) & vocabulary.is_spoken
    if NEG_INF in floor:
        allowed &= log_probs > NEG_INF
    counts = np.count_nonzero(allowed, axis=1)
    many = np.flatnonzero(counts > pruning.beam_size)
    if len(many):
        values = np.where(allowed[many], -log_probs[many], np.inf)
        best = np.argsort(values, axis=1, kind="stable")[:, : pruning.beam_size]
        allowed[many] = False
        allowed[many[:, None], best] = True
        counts[many] = pruning.beam_size
    ids = np.nonzero(allowed)[1]
    return ids, np.concatenate([[0], np.cumsum(counts)])


def ranked(
    found: Iterable[tuple[float, tuple[int, ...], float, float]],
    vocabulary: Vocabulary,
) -> list[Hypothesis]:
    """Hypotheses from (score, ids, am_score, lm_score), best first, ties by ids.

    Of equal texts the probabilities add up; tokens and LM score are the best one's.
    """
    hyps: dict[str, Hypothesis] = {}
    for score, ids, am_score, lm_score in sorted(found, key=lambda f: (-f[0], f[1])):
        text = vocabulary.text(ids)
        best = hyps.get(text)
        if best is None:
            hyps[text] = Hypothesis(text, ids, score, am_score, lm_score)
        else:
            score, am_score = (
                log_add(best.score, score),
                log_add(best.am_score, am_score),
            )
            hyps[text] = replace(best, score=score, am_score=am_score)
    return sorted(hyps.values(), key=lambda hyp: (-hyp.score, hyp.tokens))
