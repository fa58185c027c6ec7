"""The compiled beam search with its memory: made, grown, LM questions answered."""

import copy

import numpy as np
from numpy.typing import NDArray

from asr.decode import beam_kernel as kernel
from asr.decode.beam_arrays import (
    ANSWER,
    ASKED,
    FOUND,
    NO_LM,
    NODE,
    PLACE,
    RUN,
    THE_END,
    TOKEN_LM,
    UNKNOWN,
    WORD,
    WORD_LM,
    Records,
    enlarged,
    one_record,
    spelled_records,
    token_records,
    trie_records,
    word_records,
    zeros,
)
from asr.decode.hypothesis import Hypothesis
from asr.decode.log_probs import LogProbs
from asr.decode.prefix_beam import Pruning, choose_tokens, ranked
from asr.decode.spelled_beam import ranked_words
from asr.decode.spelled_sum import summed
from asr.decode.vocabulary import Vocabulary
from asr.decode.word_lm import Fusion, LmStates
from asr.lm.arpa import NGRAM, ArpaLm

CACHE_SIZE = 1 << 16  # LM answers kept: half of it
MOST_STATES = 1 << 20  # LM states kept from utterance to utterance, and words


class CompiledBeamSearch:
    """Decodes one utterance at a time; what the LM said serves the next ones too.

    Not for several threads at once. Memory grows with the longest utterance and, up to
    a bound, with the LM states and words met; not with the number of utterances.
    Words and texts are told apart by 64-bit hashes.
    """

    def __init__(
        self, vocabulary: Vocabulary, fusion: Fusion, pruning: Pruning
    ) -> None:
        self.vocabulary = vocabulary
        self.fusion = fusion
        self.pruning = pruning
        lm = fusion.model if isinstance(fusion.model, ArpaLm) else None
        self._arpa, self._ngrams = lm, zeros(1, NGRAM) if lm is None else lm.table
        number, spelled = None, fusion.spelled
        if lm is not None and fusion.token_lm is None:
            number = lm.number
        ahead, other = look_ahead(fusion)
        self._ending, self._words = np.zeros(0, np.int64), zeros(1, WORD)
        self._lexicon = None if spelled is None else spelled.lexicon
        if spelled is None:
            self._trie, lexicon, hotwords = trie_records(fusion, ahead, number)
        else:
            self._trie, self._ending = spelled_records(fusion)
            self._words, lexicon, hotwords = word_records(fusion, number), 0, -1
        kind = NO_LM if fusion.lm is None else WORD_LM
        fields = {
            "beam_size": min(pruning.beam_size, 2**30),
            "histories": min(pruning.histories, 2**30),
            "beam_threshold": pruning.beam_threshold,
            "blank": vocabulary.blank,
            "lm": kind if fusion.token_lm is None else TOKEN_LM,
            "closed": fusion.lexicon is not None or spelled is not None,
            "spelled": spelled is not None,
            "most_words": 0 if spelled is None else spelled.most,
            "lexicon": lexicon,
            "hotwords": hotwords,
            "table": lm is not None,
            "unknown_number": 0 if lm is None else lm.unknown,
            "end_number": 0 if lm is None else lm.number("</s>"),
            "lm_weight": fusion.lm_weight,
            "word_score": fusion.word_score,
            "unk_score": fusion.unk_score,
            "unknown": other,
            "most": most_bonus(fusion) + max(0.0, ahead.max(initial=other)),
            "recombines": fusion.model is not None,
            "most_lm": most_of_lm(fusion),
        }
        self._run = one_record(RUN, fields.items())
        self._tokens, self._symbols = token_records(vocabulary, spelled is not None)
        if lm is not None:
            self._tokens["number"] = [lm.number(token) for token in vocabulary.tokens]
        self._places, self._found = zeros(256, PLACE), zeros(256, FOUND)
        self._nodes = zeros(4096, NODE)
        by_python = fusion.model is not None and lm is None
        self._forget(CACHE_SIZE if by_python else 2)

    def twin(self) -> "CompiledBeamSearch | None":
        """One for another thread; None where Python answers for the LM."""
        if self.fusion.model is not None and self._arpa is None:
            return None
        twin = copy.copy(self)
        for name in ("_run", "_tokens", "_places", "_found", "_nodes"):
            setattr(twin, name, getattr(self, name).copy())
        twin._forget(len(self._cache))
        return twin

    def _forget(self, cache_size: int) -> None:
        """Begin with an empty cache and without LM states."""
        self._cache, self._asked = zeros(cache_size, ANSWER), zeros(cache_size, ASKED)
        self._run["cached"] = 0
        self._spelled: dict[int, str] = {}
        model = None if self._arpa is not None else self.fusion.model
        self._states = None if model is None else LmStates(model)

    def search(self, log_probs: LogProbs, nbest: int) -> list[Hypothesis]:
        """Search ``(T, V)`` log-probs; best first, none if nothing is possible."""
        # Else numba would compile once more, for arrays that cannot be written.
        log_probs = np.require(log_probs, np.float32, ["C", "A", "W"])
        candidates, ends = choose_tokens(log_probs, self.vocabulary, self.pruning)
        if max(len(self._states or ()), len(self._spelled)) > MOST_STATES:
            self._forget(len(self._cache))
        self._begin()
        while True:
            status = kernel.search(
                self._run,
                self._tokens,
                self._symbols,
                self._places,
                self._nodes,
                self._trie,
                self._found,
                self._ngrams,
                self._cache,
                self._asked,
                self._ending,
                self._words,
                log_probs,
                candidates,
                ends,
            )
            if status == kernel.DONE and self._lexicon is not None:
                return self._best_spelled(nbest, log_probs)
            if status == kernel.DONE:
                return self._best(nbest)
            if status == kernel.ASK_LM:
                self._answer()
            else:
                self._grow(status)

    def _begin(self) -> None:
        """The beam before the first frame: the empty prefix, for certain."""
        run, node, place = self._run[0], self._nodes[0], self._places[0]
        run["frame"], run["asked"], run["beam"], run["nodes"] = 0, 0, 1, 1
        self._tokens["tried"] = -1
        node.fill(0)  # scores, word, slot
        for field in ("parent", "token", "child", "sibling", "end_state"):
            node[field] = -1
        node["lexicon"], node["hot"] = run["lexicon"], run["hotwords"]
        lm = self._states if self._arpa is None else self._arpa
        node["state"] = 0 if lm is None else lm.begin()
        place["node"], place["p_b"], place["p_nb"], place["p"] = 0, 0.0, -np.inf, 0.0

    def _answer(self) -> None:
        """Write down what the LM says to all that was asked."""
        asked = self._asked[: int(self._run[0]["asked"])]
        asked[:] = [
            (row, n, token, state, word, *self._ask(n, token, state, word))
            for row, n, token, state, word, *_ in asked.tolist()
        ]

    def _ask(
        self, n: int, token: int, state: int, word: int
    ) -> tuple[int, float, float]:
        """Next state, ln probability, and weighted bonus."""
        states, fusion = self._states, self.fusion
        assert states is not None and fusion.model is not None
        if token == THE_END:
            ln_prob = states.end(state)
            return state, ln_prob, fusion.lm_weight * ln_prob
        if token >= 0:
            text = self.vocabulary.tokens[token]
        elif token == UNKNOWN:
            text = "<unk>"
        elif fusion.spelled is not None:
            text = fusion.spelled.words[word - 1]
        else:
            text = self._spelled.get(word) or self._spell(n, word)
        ln_prob, after = states.score(state, text)
        bonus = fusion.lm_weight * ln_prob
        if token == UNKNOWN or text not in fusion.model:
            bonus += fusion.unk_score
        return after, ln_prob, bonus

    def _spell(self, n: int, word: int) -> str:
        """The last word of a prefix."""
        tokens, parents = self._nodes["token"], self._nodes["parent"]
        pieces: list[str] = []
        while n > 0:
            token = tokens.item(n)
            pieces.append(self.vocabulary.pieces[token])
            if self.vocabulary.starts_word[token]:
                break
            n = parents.item(n)
        self._spelled[word] = "".join(reversed(pieces))
        return self._spelled[word]

    def _grow(self, status: int) -> None:
        """Make what is too small at least twice as large as needed."""
        needed = int(self._run[0]["needed"])
        if status == kernel.GROW_CACHE:
            size = 1 << needed.bit_length()
            self._cache, self._asked = zeros(size, ANSWER), zeros(size, ASKED)
            self._run["cached"] = 0
        elif status == kernel.GROW_BEAM:
            self._places = enlarged(self._places, needed)
            self._found = enlarged(self._found, needed)
        else:
            self._nodes = enlarged(self._nodes, needed)

    def _best(self, nbest: int) -> list[Hypothesis]:
        """The n-best list of the last beam: texts, each with its best tokens."""
        places = self._places[: int(self._run[0]["beam"])]
        places = places[places["bonus"] > -np.inf]
        if not len(places):
            return []
        places = places[places["text"].argsort()]
        texts, am_scores = places["text"], places["p"]
        scores = am_scores + places["bonus"]
        changes = (texts[1:] != texts[:-1]).nonzero()[0] + 1
        begins = [0, *changes.tolist()]
        ends = [*begins[1:], len(places)]
        totals = np.logaddexp.reduceat(scores, begins)
        least = -np.inf
        if len(begins) > nbest:  # spell only those that may be in the list, ties too
            least = np.partition(totals, -nbest)[-nbest]
        found = []
        for text in (totals >= least).nonzero()[0].tolist():
            rows = slice(begins[text], ends[text])
            ids, lm = self._best_tokens(places[rows], scores[rows])
            am_score = np.logaddexp.reduce(am_scores[rows])
            found.append((float(totals[text]), ids, float(am_score), lm))
        return ranked(found, self.vocabulary)[:nbest]

    def _best_tokens(
        self, places: Records, scores: NDArray[np.float64]
    ) -> tuple[tuple[int, ...], float]:
        """Of prefixes with one text the best one's token ids and LM score."""
        rows = (scores == scores.max()).nonzero()[0].tolist()
        spelled = [(self._ids(int(places[k]["node"])), places[k]["lm"]) for k in rows]
        ids, lm = min(spelled)
        if not self._run[0]["any_whole"]:
            ids = self.vocabulary.without_last_word(ids)
        return ids, float(lm)

    def _best_spelled(self, nbest: int, log_probs: LogProbs) -> list[Hypothesis]:
        """The same with the words that the prefixes have ended."""
        assert self.fusion.spelled is not None and self._lexicon is not None
        places, found = self._places[: int(self._run[0]["beam"])], []
        for place in places[places["bonus"] > -np.inf]:
            ids, said = self._ids_and_words(int(place["node"]))
            score = float(place["p"] + place["bonus"])
            found.append((score, ids, said, float(place["p"]), float(place["lm"])))
        hyps = ranked_words(found, self.fusion.spelled.words)
        if not self._run[0]["any_whole"]:
            return hyps[:nbest]
        return summed(hyps, nbest, log_probs, self.vocabulary.blank, self._lexicon)

    def _ids_and_words(self, n: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Tokens of the finished words, and the words' numbers."""
        numbers, parents = self._nodes["text"], self._nodes["parent"]
        while n > 0 and numbers.item(n) == 0:
            n = parents.item(n)
        ids, said = self._ids(n), []
        while n > 0:
            if numbers.item(n) > 0:
                said.append(numbers.item(n))
            n = parents.item(n)
        return ids, tuple(reversed(said))

    def _ids(self, n: int) -> tuple[int, ...]:
        tokens, parents = self._nodes["token"], self._nodes["parent"]
        ids = []
        while n > 0:
            ids.append(tokens.item(n))
            n = parents.item(n)
        return tuple(reversed(ids))


def look_ahead(fusion: Fusion) -> tuple[NDArray[np.float64], float]:
    """What unfinished words are worth: at the nodes of the known words, and elsewhere."""
    if fusion.known is None:
        return np.zeros(0), 0.0
    scales = fusion.lm_weight, fusion.word_score, fusion.unk_score
    return fusion.known.look_ahead(*scales)


def most_of_lm(fusion: Fusion) -> float:
    """The LM adds no more than this to a prefix, unknown words included.

    An n-gram's ln probabilities are 0 at most, so that its own part is 0 at most.
    """
    if fusion.model is None:
        return 0.0
    return np.inf if fusion.lm_weight < 0 else max(0.0, fusion.unk_score)


def most_bonus(fusion: Fusion) -> float:
    """No token adds more to a prefix than this."""
    unknown = most_of_lm(fusion)
    hot = max(0.0, 0.0, *fusion.hotwords.values(), *fusion.hot_bonus.values())
    return max(0.0, fusion.word_score) + unknown + 2 * hot  # a hot word, another begun
