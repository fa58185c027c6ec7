"""The prefix beam search of ``prefix_beam``, compiled by numba.

The same algorithm on arrays: equal scores, equal order, equal ties. What is faster:

- Prefixes that stay are worked on in place; a new one becomes a node only when it is
  known to be in the next beam. A candidate's score needs one addition, because a
  prefix that is new to the beam has one parent, thus one summand.
- The beam is cut by selection, not by sorting, and a candidate that cannot be in it is
  given up before anything else is asked about it, the LM least of all.
- An n-gram from an ARPA file is looked up right here (``asr.lm.arpa``). What
  any other LM says is kept in a hash table over (state, word), for all utterances;
  questions that are not in it are collected over a frame; the search then returns to
  Python, which answers them, and the frame is done again.

The arrays are described in ``beam_arrays``; ``jit`` sees to it that a change in one of
the files compiles the whole anew.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.decode.beam_arrays import NO_LM, STARTS, THE_END, TOKEN_LM, Records
from asr.decode.beam_cut import INF
from asr.decode.beam_extend import ZERO, extend, find_child, stay
from asr.decode.beam_spelled import extend_spelled, grow_spelled
from asr.decode.beam_words import IntArray, consult, finish_word, join, walk
from asr.jit import compiled, inner

# What the search returns.
DONE, ASK_LM, GROW_BEAM, GROW_NODES, GROW_CACHE = 0, 1, 2, 3, 4
SENTENCE_END: Any = np.int64(THE_END)


@inner
def grow(
    run: Any,
    tokens: Records,
    symbols: IntArray,
    nodes: Records,
    trie: Records,
    ngrams: Records,
    cache: Records,
    asked: Records,
    n: int,
    token: int,
) -> int:
    """The node of a prefix with one more token, made if it is not there yet."""
    child = find_child(nodes, n, token)
    if child >= 0:
        return child
    child = run["nodes"]
    run["nodes"] += 1
    nodes[child] = nodes[n]
    node, parent, piece = nodes[child], nodes[n], tokens[token]
    node["parent"], node["token"] = n, token
    node["child"], node["sibling"] = -1, parent["child"]
    parent["child"] = child
    node["end_state"] = -1
    if piece["kind"] == STARTS and parent["word"] != 0:
        node["state"] = parent["end_state"]
        node["lm"] += parent["end_lm"]
        node["bonus"] += parent["end_bonus"]
        node["text"] = join(parent["text"], parent["word"])
        node["word"] = 0
        node["lexicon"], node["hot"] = run["lexicon"], run["hotwords"]
    if run["lm"] == TOKEN_LM:
        state, number = node["state"], piece["number"]
        state, ln_prob, bonus = consult(
            run, ngrams, cache, asked, n, state, token, token + 2, number
        )
        node["state"] = state
        node["lm"] += ln_prob
        node["bonus"] += bonus
    for k in range(piece["first"], piece["end"]):
        node["word"] = join(node["word"], symbols[k])
    node["lexicon"] = walk(trie, tokens, symbols, node["lexicon"], token)
    node["hot"] = walk(trie, tokens, symbols, node["hot"], token)
    return int(child)


@inner
def take_over(
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
    words: Records,
    count: int,
) -> None:
    """Make the chosen candidates the beam."""
    for k in range(run["beam"]):
        nodes[places[k]["node"]]["slot"] = -1
    for k in range(count):  # found["place"] becomes the node
        candidate, place = found[k], places[k]
        before, token = places[candidate["place"]], candidate["token"]
        n, p_b, p_nb = before["node"], before["next_b"], before["next_nb"]
        if token >= 0:
            if run["spelled"] == 1:
                n = grow_spelled(
                    run,
                    tokens,
                    symbols,
                    nodes,
                    trie,
                    ngrams,
                    cache,
                    asked,
                    words,
                    n,
                    token,
                    candidate["word"],
                )
            else:
                n = grow(
                    run, tokens, symbols, nodes, trie, ngrams, cache, asked, n, token
                )
            p_b, p_nb = -INF, candidate["p"]
        place["p_b"], place["p_nb"], place["p"] = p_b, p_nb, candidate["p"]
        candidate["place"] = n
    for k in range(count):
        n = found[k]["place"]
        places[k]["node"] = n
        nodes[n]["slot"] = k
    run["beam"] = count


@inner
def room(
    run: Any, places: Records, nodes: Records, cache: Records, candidates: int
) -> int:
    """What is too small for the next frame, if anything."""
    beam, size = run["beam"], run["beam_size"]
    children = beam * (candidates + run["most_words"])
    run["needed"] = min(beam + children, 2 * size)
    if run["needed"] > len(places):
        return GROW_BEAM
    run["needed"] = run["nodes"] + min(children, size)
    if run["needed"] > len(nodes):
        return GROW_NODES
    if run["lm"] == NO_LM or run["table"] == 1:
        return DONE
    each = run["lm"] == TOKEN_LM or run["spelled"] == 1
    questions = 2 * beam + (children if each else 0)
    run["needed"] = 4 * questions
    if run["needed"] > len(cache):
        return GROW_CACHE
    if 2 * (questions + run["cached"]) > len(cache):  # kept half empty
        for row in range(len(cache)):
            cache[row]["key"] = 0
        run["cached"] = 0
    return DONE


@inner
def finish(
    run: Any,
    places: Records,
    nodes: Records,
    trie: Records,
    ngrams: Records,
    cache: Records,
    asked: Records,
) -> int:
    """Find what the last words and ``</s>`` add to every prefix of the beam."""
    any_whole = run["closed"] == 0
    for k in range(run["beam"]):
        node = nodes[places[k]["node"]]
        if node["word"] == 0 or any_whole or trie[node["lexicon"]]["whole"] > 0:
            any_whole = True
    run["any_whole"] = any_whole
    for k in range(run["beam"]):
        place = places[k]
        n = place["node"]
        node = nodes[n]
        state, ln_prob, bonus = node["state"], node["lm"], node["bonus"]
        place["text"] = node["text"]
        if any_whole and node["word"] != 0:
            if not finish_word(run, nodes, trie, ngrams, cache, asked, n):
                place["bonus"] = -INF
                continue
            place["text"] = join(node["text"], node["word"])
            state = node["end_state"]
            ln_prob += node["end_lm"]
            bonus += node["end_bonus"]
        if run["lm"] != NO_LM:
            end, number = SENTENCE_END, run["end_number"]
            state, end_lm, more = consult(
                run, ngrams, cache, asked, n, state, end, end, number
            )
            bonus += more
            ln_prob += end_lm
        place["lm"], place["bonus"] = ln_prob, bonus
    return ASK_LM if run["asked"] > 0 else DONE


@inner
def learn(run: Any, cache: Records, asked: Records) -> None:
    """Put the answers to all questions into the cache."""
    for k in range(run["asked"]):
        question = asked[k]
        answer = cache[question["row"]]
        answer["state"] = question["after"]
        answer["ln_prob"], answer["bonus"] = question["ln_prob"], question["bonus"]
    run["asked"] = 0


@compiled
def search(
    options: Records,
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
    log_probs: NDArray[np.float32],
    candidates: IntArray,
    ends: NDArray[np.int64],
) -> int:
    """Search from frame ``run["frame"]`` on; return DONE, or what is needed to go on.

    The tokens to extend with at frame t are ``candidates[ends[t]:ends[t + 1]]``.
    """
    run = options[0]
    learn(run, cache, asked)
    while run["frame"] < len(log_probs):
        t = run["frame"]
        row, chosen = log_probs[t], candidates[ends[t] : ends[t + 1]]
        status = room(run, places, nodes, cache, len(chosen))
        if status != DONE:
            return status
        for token in chosen:
            tokens[token]["tried"] = t
        stay(run, tokens, places, nodes, trie, found, row)
        if run["spelled"] == 1:
            count = extend_spelled(
                run,
                tokens,
                symbols,
                places,
                nodes,
                trie,
                found,
                ngrams,
                cache,
                asked,
                ending,
                words,
                row,
                chosen,
            )
        else:
            count = extend(
                run,
                tokens,
                symbols,
                places,
                nodes,
                trie,
                found,
                ngrams,
                cache,
                asked,
                row,
                chosen,
            )
        if run["asked"] > 0:
            return ASK_LM
        take_over(
            run,
            tokens,
            symbols,
            places,
            nodes,
            trie,
            found,
            ngrams,
            cache,
            asked,
            words,
            count,
        )
        run["frame"] += 1
    status = room(run, places, nodes, cache, ZERO)
    if status == DONE:
        status = finish(run, places, nodes, trie, ngrams, cache, asked)
    return status
