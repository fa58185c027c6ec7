"""Compiled parts of the beam search where spellings say where words end."""

from typing import Any

from asr.decode.beam_arrays import WORD_LM, Records
from asr.decode.beam_cut import INF, cut
from asr.decode.beam_extend import ZERO, Row, keep_best
from asr.decode.beam_recombine import future, recombine
from asr.decode.beam_words import NO_TOKEN, IntArray, consult, walk
from asr.jit import inner


@inner
def spelled_child(nodes: Records, n: int, token: int, word: int) -> int:
    """The prefix with one more token that ends this word (0: none), or -1."""
    child = nodes[n]["child"]
    while child >= 0:
        if nodes[child]["token"] == token and nodes[child]["text"] == word:
            break
        child = nodes[child]["sibling"]
    return int(child)


@inner
def extend_spelled(
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
    ending: IntArray,
    words: Records,
    row: Row,
    candidates: IntArray,
) -> int:
    """``extend`` for spelled words.

    A token leads to a prefix that goes on, if a longer word does, and to one for each
    word that ends with it.
    """
    size, threshold = run["beam_size"], run["beam_threshold"]
    count, best, least = run["beam"], -INF, -INF
    for k in range(count):
        best = max(best, found[k]["score"])
        node = nodes[places[k]["node"]]
        found[k]["future"] = future(node["state"], node["lexicon"], node["token"])
    if count == size:
        least = cut(found, count, size)
    for place in range(run["beam"]):
        here = places[place]
        n = here["node"]
        node = nodes[n]
        last, fixed = node["token"], node["bonus"]
        most = fixed + run["most"]
        for token in candidates:
            p = row[token] + (here["p_b"] if token == last else here["p"])
            # Once `size` are found, a later one has to be better than the least.
            if p + most <= least or p + most < best - threshold or p == -INF:
                continue
            at = walk(trie, tokens, symbols, node["lexicon"], token)
            if at < 0:
                continue
            begin = trie[at]["begin_ending"]
            for k in range(begin - 1, trie[at]["end_ending"]):
                word = ending[k] if k >= begin else ZERO
                if word == 0 and trie[at]["first"] == trie[at]["end"]:
                    continue  # nothing is longer
                child = spelled_child(nodes, n, token, word)
                if child >= 0 and nodes[child]["slot"] >= 0:
                    continue  # in the beam already: see `stay`
                more = trie[at]["ahead"] if word == 0 else words[word]["extra"]
                state = node["state"]
                if word > 0 and run["lm"] == WORD_LM:
                    high = p + (fixed + more) + run["most_lm"]
                    if high <= least or high < best - threshold:
                        continue  # whatever the LM says
                    number = words[word]["number"]
                    state, _, bonus = consult(
                        run, ngrams, cache, asked, n, state, NO_TOKEN, word, number
                    )
                    if state < 0:
                        continue
                    more += bonus
                score = p + (fixed + more)
                if score <= least or score < best - threshold:
                    continue
                best = max(best, score)
                candidate = found[count]
                candidate["place"], candidate["token"] = place, token
                candidate["word"] = word
                candidate["future"] = future(
                    state, at if word == 0 else run["lexicon"], token
                )
                candidate["p"], candidate["score"] = p, score
                count += 1
                if count == 2 * size:
                    count = recombine(found, count, run["histories"])
                    if 3 * size < 2 * count:
                        least = cut(found, count, size)
                        count = size
    count = recombine(found, count, run["histories"])
    return keep_best(found, count, size, best - threshold)


@inner
def grow_spelled(
    run: Any,
    tokens: Records,
    symbols: IntArray,
    nodes: Records,
    trie: Records,
    ngrams: Records,
    cache: Records,
    asked: Records,
    words: Records,
    n: int,
    token: int,
    word: int,
) -> int:
    """The prefix with one more token that ends this word (0: none), made if need be."""
    child = spelled_child(nodes, n, token, word)
    if child >= 0:
        return child
    child = run["nodes"]
    run["nodes"] += 1
    nodes[child] = nodes[n]
    node, parent = nodes[child], nodes[n]
    node["parent"], node["token"] = n, token
    node["child"], node["sibling"] = -1, parent["child"]
    parent["child"] = child
    node["text"], node["word"] = word, 1 if word == 0 else 0
    at = run["lexicon"]
    if word == 0:
        at = walk(trie, tokens, symbols, parent["lexicon"], token)
    else:
        more = words[word]["extra"]
        if run["lm"] == WORD_LM:
            state, number = parent["state"], words[word]["number"]
            state, ln_prob, bonus = consult(
                run, ngrams, cache, asked, n, state, NO_TOKEN, word, number
            )
            node["state"] = state
            node["lm"] += ln_prob
            more += bonus
        node["bonus"] += more
    node["lexicon"] = at
    return int(child)
