"""CTC prefix beam search, alone or with a word n-gram fused in.

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
from collections.abc import Sequence

import numpy as np

from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import LogProbs, check_log_probs
from asr.decode.prefix import NEG_INF, Prefix, log_add
from asr.decode.word_lm import WordModel, WordScorer
from asr.text.tokenizer import BLANK_ID, WORD_START, join_pieces


class PrefixBeamSearch:
    """Decodes one utterance at a time: ``search(log_probs) -> n-best list``.

    With unlimited ``beam_size`` and thresholds the scores are exact: the acoustic
    score is the sum over all alignments.

    Args:
        tokens: the V tokens, blank at 0; one that begins with ``▁`` begins a word.
        lm: n-gram over words (``asr.lm.ngram.NgramLm``), or None.
        beam_size: prefixes kept after each frame.
        beam_threshold: prefixes this far below the best one are dropped (ln).
        token_threshold: tokens this far below the frame's best are not tried (ln).
        lm_weight: factor of the LM's ln probability.
        word_score: added for every word.
        unk_score: added for every word that the LM does not know.
        nbest: hypotheses returned.
    """

    def __init__(
        self,
        tokens: Sequence[str],
        lm: WordModel | None = None,
        *,
        beam_size: int = 32,
        beam_threshold: float = 14.0,
        token_threshold: float = 8.0,
        lm_weight: float = 0.5,
        word_score: float = 0.0,
        unk_score: float = -4.0,
        nbest: int = 1,
    ) -> None:
        self.tokens = list(tokens)
        self.starts_word = [token.startswith(WORD_START) for token in tokens]
        self.pieces = [token.removeprefix(WORD_START) for token in tokens]
        self.beam_size = beam_size
        self.beam_threshold = beam_threshold
        self.token_threshold = token_threshold
        self.nbest = nbest
        self.scorer_options = (lm, lm_weight, word_score, unk_score)

    def __call__(self, log_probs: LogProbs) -> list[Hypothesis]:
        """Search ``(T, V)`` log-probs; best first, at least one hypothesis."""
        check_log_probs(log_probs, len(self.tokens))
        scorer = WordScorer(*self.scorer_options)  # its cache lives one utterance
        root = Prefix(None, BLANK_ID, "", scorer.begin())
        root.p_b = 0.0  # before the first frame: the empty prefix, for certain
        beam = [root]
        for row, candidates in zip(
            log_probs.tolist(), self._candidates(log_probs), strict=True
        ):
            beam = self._prune(self._advance(beam, row, candidates, scorer))
        return self._finish(beam, scorer)

    def _candidates(self, log_probs: LogProbs) -> list[list[int]]:
        """Tokens to extend with, per frame; none where blank leaves no room.

        At most ``beam_size``: no more children of one prefix could stay in the beam.
        """
        floor = log_probs.max(axis=1, keepdims=True, initial=NEG_INF)
        allowed = (log_probs >= floor - self.token_threshold) & (log_probs > NEG_INF)
        allowed[:, BLANK_ID] = False
        candidates = []
        for row, ids in zip(log_probs, map(np.flatnonzero, allowed), strict=True):
            if len(ids) > self.beam_size:  # a stable sort: ties go to smaller ids
                ids = ids[np.argsort(-row[ids], kind="stable")[: self.beam_size]]
            candidates.append(ids.tolist())
        return candidates

    def _advance(
        self,
        beam: list[Prefix],
        row: list[float],
        candidates: list[int],
        scorer: WordScorer,
    ) -> list[Prefix]:
        """One frame: every prefix stays or grows by a token; return all that exist."""
        reached: dict[Prefix, None] = dict.fromkeys(beam)  # ordered: ties stay put
        for prefix in beam:
            p_b, p_nb, last = prefix.p_b, prefix.p_nb, prefix.token
            p = log_add(p_b, p_nb)
            # Blank: the prefix stays, whatever it ended in.
            prefix.next_b = log_add(prefix.next_b, p + row[BLANK_ID])
            # Repeat: the last token goes on for another frame; the prefix stays.
            if last != BLANK_ID:
                prefix.next_nb = log_add(prefix.next_nb, p_nb + row[last])
            for token in candidates:
                # Extend: a new token. The same one again is new only after a blank.
                before = p_b if token == last else p
                if before == NEG_INF:
                    continue
                child = prefix.children.get(token) or self._grow(prefix, token, scorer)
                child.next_nb = log_add(child.next_nb, before + row[token])
                reached[child] = None
        return list(reached)

    def _grow(self, prefix: Prefix, token: int, scorer: WordScorer) -> Prefix:
        """Make the child; a token that begins a word gives the LM the word before."""
        if self.starts_word[token]:
            lm = scorer.add_word(prefix.lm, prefix.word) if prefix.word else prefix.lm
            child = Prefix(prefix, token, self.pieces[token], lm)
        else:
            word = prefix.word + self.pieces[token]
            child = Prefix(prefix, token, word, prefix.lm)
        prefix.children[token] = child
        return child

    def _prune(self, reached: list[Prefix]) -> list[Prefix]:
        """Take over the new probabilities; keep the best prefixes, best first."""
        scored = []
        for order, prefix in enumerate(reached):
            prefix.p_b, prefix.p_nb = prefix.next_b, prefix.next_nb
            prefix.next_b = prefix.next_nb = NEG_INF
            score = log_add(prefix.p_b, prefix.p_nb) + prefix.lm.bonus
            scored.append((-score, order, prefix))
        best = heapq.nsmallest(self.beam_size, scored)
        limit = best[0][0] + self.beam_threshold
        return [prefix for cost, _, prefix in best if cost <= limit]

    def _finish(self, beam: list[Prefix], scorer: WordScorer) -> list[Hypothesis]:
        """Add the last word and ``</s>``; sort by the whole score."""
        found = []
        for prefix in beam:
            am_score = log_add(prefix.p_b, prefix.p_nb)
            end = scorer.finish(prefix.lm, prefix.word)
            ids = prefix.ids()
            text = join_pieces(self.tokens[i] for i in ids)
            score = am_score + end.bonus
            found.append(Hypothesis(text, ids, score, am_score, end.lm_score))
        found.sort(key=lambda hyp: (-hyp.score, hyp.tokens))
        possible = [hyp for hyp in found if hyp.score > NEG_INF]
        return (possible or found)[: self.nbest]
