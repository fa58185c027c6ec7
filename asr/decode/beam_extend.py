"""Compiled parts of the beam search: the prefixes after one more frame."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.decode.beam_arrays import STARTS, TOKEN_LM, Records
from asr.decode.beam_cut import INF, cut, log_add
from asr.decode.beam_recombine import future, recombine
from asr.decode.beam_words import IntArray, consult, finish_word, join, walk
from asr.jit import inner

Row = NDArray[np.float32]
ZERO: Any = np.int64(0)


@inner
def stay(
    run: Any,
    tokens: Records,
    places: Records,
    nodes: Records,
    trie: Records,
    found: Records,
    row: Row,
) -> None:
    """Blank and repeat: every prefix of the beam as it will be if it stays.

    A prefix whose parent is in the beam too also comes from it, by its last token.
    """
    frame, blank = run["frame"], row[run["blank"]]
    for k in range(run["beam"]):
        place = places[k]
        node = nodes[place["node"]]
        p_b, p_nb = place["p"] + blank, -INF
        if node["parent"] >= 0:
            token, parent = node["token"], nodes[node["parent"]]
            p_nb, tried = place["p_nb"] + row[token], tokens[token]["tried"] == frame
            if tried and is_gap(run, tokens, token):
                p_nb = place["p"] + row[token]
            if parent["slot"] >= 0 and tried:
                above = places[parent["slot"]]
                before = above["p_b"] if parent["token"] == token else above["p"]
                p_nb = log_add(p_nb, before + row[token])
        p = log_add(p_b, p_nb)
        bonus = node["bonus"]
        at = node["lexicon"]
        bonus += run["unknown"] if at < 0 else trie[at]["ahead"]
        if node["hot"] >= 0:
            bonus += trie[node["hot"]]["hot"]
        place["next_b"], place["next_nb"], place["next_p"] = p_b, p_nb, p
        candidate = found[k]
        candidate["place"], candidate["token"] = k, -1
        candidate["p"], candidate["score"] = p, p + bonus


@inner
def is_gap(run: Any, tokens: Records, token: int) -> bool:
    """Whether a token is a space alone, of which several in a row are one."""
    piece = tokens[token]
    return bool(piece["first"] == piece["end"] and run["lm"] != TOKEN_LM)


@inner
def find_child(nodes: Records, n: int, token: int) -> int:
    """The node of a prefix with one more token, or -1."""
    child = nodes[n]["child"]
    while child >= 0 and nodes[child]["token"] != token:
        child = nodes[child]["sibling"]
    return int(child)


@inner
def extend(
    run: Any,
    tokens: Records,
    symbols: IntArray,
    places: Records,
    nodes: Records,
    trie: Records,
    found: Records,
    ngrams: Records,
    cache: Records,
    asked: Records,
    row: Row,
    candidates: IntArray,
) -> int:
    """Add the new prefixes that may be in the next beam to those that stay.

    Returns how many are in it. Prefixes that ask the LM something new are not among
    them: then the frame is done again with the answers.
    """
    size, threshold = run["beam_size"], run["beam_threshold"]
    lexicon, hotwords, merged = run["lexicon"], run["hotwords"], run["recombines"] == 1
    # Inside a word no letter makes it worth more than its beginning was.
    falls = lexicon >= 0 and hotwords < 0 and run["lm"] != TOKEN_LM
    count, best, least = run["beam"], -INF, -INF
    for k in range(count):
        best = max(best, found[k]["score"])
        node = nodes[places[k]["node"]]
        if merged:
            found[k]["future"] = future(node["state"], node["word"], node["token"])
    if count == size:
        least = cut(found, count, size)
    for place in range(run["beam"]):
        at = places[place]
        n = at["node"]
        node = nodes[n]
        last, fixed, begun = node["token"], node["bonus"], node["word"] != 0
        most = fixed + run["most"]
        inside = most
        if falls and begun:
            held = node["lexicon"]
            inside = fixed + (run["unknown"] if held < 0 else trie[held]["ahead"])
        for token in candidates:
            p = row[token] + (at["p_b"] if token == last else at["p"])
            ends = begun and tokens[token]["kind"] == STARTS
            # Once `size` are found, a later one has to be better than the least.
            high = p + (most if ends else inside)
            if high <= least or high < best - threshold or p == -INF:
                continue
            if token == last and is_gap(run, tokens, token):
                continue  # the same prefix: see `stay`
            child = find_child(nodes, n, token)
            if child >= 0 and nodes[child]["slot"] >= 0:
                continue  # in the beam already: see `stay`
            bonus, in_lexicon, in_hot = fixed, node["lexicon"], node["hot"]
            state, word = node["state"], node["word"]
            if ends:
                if not finish_word(run, nodes, trie, ngrams, cache, asked, n):
                    continue
                bonus += node["end_bonus"]
                in_lexicon, in_hot = lexicon, hotwords
                state, word = node["end_state"], ZERO
            if run["lm"] == TOKEN_LM:
                number = tokens[token]["number"]
                state, _, more = consult(
                    run, ngrams, cache, asked, n, state, token, token + 2, number
                )
                if state < 0:
                    continue
                bonus += more
            if lexicon >= 0:
                in_lexicon = walk(trie, tokens, symbols, in_lexicon, token)
                if in_lexicon < 0 and run["closed"] == 1:
                    continue
                bonus += run["unknown"] if in_lexicon < 0 else trie[in_lexicon]["ahead"]
            if in_hot >= 0:
                in_hot = walk(trie, tokens, symbols, in_hot, token)
                bonus += trie[in_hot]["hot"] if in_hot >= 0 else 0.0
            score = p + bonus
            if score <= least or score < best - threshold:
                continue
            best = max(best, score)
            candidate = found[count]
            candidate["place"], candidate["token"] = place, token
            candidate["p"], candidate["score"] = p, score
            if merged:
                for k in range(tokens[token]["first"], tokens[token]["end"]):
                    word = join(word, symbols[k])
                candidate["future"] = future(state, word, token)
            count += 1
            if count == 2 * size:
                if merged:
                    count = recombine(found, count, run["histories"])
                if not merged or 3 * size < 2 * count:
                    least = cut(found, count, size)
                    count = size
    if merged:
        count = recombine(found, count, run["histories"])
    return keep_best(found, count, size, best - threshold)


@inner
def keep_best(found: Records, count: int, size: int, limit: float) -> int:
    """Drop candidates under the limit, then those that are too many; return how many."""
    kept = ZERO
    for k in range(count):
        if found[k]["score"] >= limit and found[k]["score"] > -INF:
            found[kept] = found[k]
            kept += 1
    if kept > size:
        cut(found, kept, size)
    return int(min(kept, size))
