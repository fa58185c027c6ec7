"""The prefix beam search of ``prefix_beam``, compiled by numba.

The same algorithm on arrays: equal scores, equal order, equal ties. What is faster:

- Prefixes that stay are worked on in place; a new one becomes a node only when it is
  known to be in the next beam. A candidate's score needs one addition, because a
  prefix that is new to the beam has one parent, thus one summand.
- The beam is cut by selection, not by sorting, and a candidate that cannot be in it is
  given up before anything else is asked about it, the LM least of all.
- What the LM says is kept in a hash table over (state, word), for all utterances.
  Questions that are not in it are collected over a frame; the search then returns to
  Python, which answers them, and the frame is done again.

The arrays are described in ``beam_arrays``. All of this is one file because numba
compiles anew when the file of the called function changes, and only then.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.decode.beam_arrays import (
    A_WORD,
    NO_LM,
    STARTS,
    THE_END,
    TOKEN_LM,
    UNKNOWN,
    WORD_LM,
    Records,
)
from asr.decode.jit import compiled, inner

INF = np.inf
# What the search returns.
DONE, ASK_LM, GROW_BEAM, GROW_NODES, GROW_CACHE = 0, 1, 2, 3, 4
MIXER: Any = np.int64(-7046029254386353131)  # 2**64 over the golden ratio, odd
# As arguments: numba would compile a function once more for each literal number.
ZERO: Any = np.int64(0)
NO_TOKEN: Any = np.int64(A_WORD)
NOT_KNOWN: Any = np.int64(UNKNOWN)
SENTENCE_END: Any = np.int64(THE_END)
IntArray = NDArray[np.int64]


@inner
def log_add(a: float, b: float) -> float:
    """``ln(exp(a) + exp(b))``."""
    if a < b:
        a, b = b, a
    return a if b == -INF else a + math.log1p(math.exp(b - a))


@inner
def cut(found: Records, count: int, keep: int) -> float:
    """Keep the best ``keep`` candidates, ties by their order; return the least score.

    Hoare's selection, "Algorithm 65: find", CACM 1961, then one pass in order.
    """
    for k in range(count):
        found[k]["scratch"] = found[k]["score"]
    low, high = 0, count - 1
    while low < high:
        pivot = found[(low + high) // 2]["scratch"]
        i, j = low, high
        while i <= j:
            while found[i]["scratch"] > pivot:
                i += 1
            while found[j]["scratch"] < pivot:
                j -= 1
            if i <= j:
                value = found[i]["scratch"]
                found[i]["scratch"] = found[j]["scratch"]
                found[j]["scratch"] = value
                i += 1
                j -= 1
        if keep - 1 <= j:
            high = j
        elif keep - 1 >= i:
            low = i
        else:
            break
    least, ties, kept = found[keep - 1]["scratch"], keep, 0
    for k in range(count):
        ties -= found[k]["score"] > least
    for k in range(count):
        score = found[k]["score"]
        ties -= score == least
        if score > least or (score == least and ties >= 0):
            found[kept] = found[k]
            kept += 1
    return float(least)


@inner
def walk(trie: Records, tokens: Records, symbols: IntArray, at: int, token: int) -> int:
    """Node of a trie one token further, or -1."""
    for k in range(tokens[token]["first"], tokens[token]["end"]):
        if at < 0:
            return -1
        low, end = trie[at]["first"], trie[at]["end"]
        high = end
        while low < high:
            middle = (low + high) // 2
            if trie[middle]["symbol"] < symbols[k]:
                low = middle + 1
            else:
                high = middle
        at = low if low < end and trie[low]["symbol"] == symbols[k] else -1
    return at


@inner
def ask(
    run: Records,
    cache: Records,
    asked: Records,
    node: int,
    state: int,
    token: int,
    word: int,
) -> int:
    """Row of the LM's answer in the cache, or -1; then the question is noted.

    ``word`` tells questions at the same state apart.
    """
    key = (word ^ (state + 1) * MIXER) * MIXER
    key ^= key >> 32
    if key == 0:
        key = MIXER
    mask = len(cache) - 1
    row = key & mask
    while cache[row]["key"] != key:
        if cache[row]["key"] == 0:
            cache[row]["key"] = key
            cache[row]["state"] = -1
            at = run[0]["asked"]
            asked[at]["row"], asked[at]["node"], asked[at]["token"] = row, node, token
            asked[at]["state"], asked[at]["word"] = state, word
            run[0]["asked"] += 1
            run[0]["cached"] += 1
            return -1
        row = (row + 1) & mask
    return row if cache[row]["state"] >= 0 else -1


@inner
def finish_word(
    run: Records, nodes: Records, trie: Records, cache: Records, asked: Records, n: int
) -> bool:
    """Find what finishing the last word (not empty) of a prefix adds.

    False where it is no word of the lexicon, or where the LM has to be asked first.
    """
    if nodes[n]["end_state"] >= 0:
        return True
    if run[0]["closed"] == 1 and trie[nodes[n]["lexicon"]]["whole"] == 0:
        return False
    state, ln_prob, bonus = nodes[n]["state"], 0.0, run[0]["word_score"]
    if run[0]["lm"] == WORD_LM:
        word, kind = nodes[n]["word"], NO_TOKEN
        if run[0]["lexicon"] >= 0 and run[0]["closed"] == 0:
            if nodes[n]["lexicon"] < 0 or trie[nodes[n]["lexicon"]]["whole"] == 0:
                word, kind = NOT_KNOWN, NOT_KNOWN  # all score the same
        row = ask(run, cache, asked, n, state, kind, word)
        if row < 0:
            return False
        state = cache[row]["state"]
        ln_prob, bonus = cache[row]["ln_prob"], cache[row]["bonus"]
    hot = nodes[n]["hot"]
    if hot >= 0 and trie[hot]["whole"] == 1:
        bonus += trie[hot]["hot"]
    nodes[n]["end_lm"], nodes[n]["end_bonus"] = ln_prob, bonus
    nodes[n]["end_state"] = state
    return True


@inner
def stay(
    run: Records,
    tokens: Records,
    places: Records,
    nodes: Records,
    trie: Records,
    found: Records,
    row: NDArray[np.float32],
) -> None:
    """Blank and repeat: every prefix of the beam as it will be if it stays.

    A prefix whose parent is in the beam too also comes from it, by its last token.
    """
    frame = run[0]["frame"]
    for k in range(run[0]["beam"]):
        n = places[k]["node"]
        p_b, p_nb = places[k]["p"] + row[run[0]["blank"]], -INF
        parent, token = nodes[n]["parent"], nodes[n]["token"]
        if parent >= 0:
            p_nb = places[k]["p_nb"] + row[token]
            above = nodes[parent]["slot"]
            if above >= 0 and tokens[token]["tried"] == frame:
                again = nodes[parent]["token"] == token
                before = places[above]["p_b"] if again else places[above]["p"]
                p_nb = log_add(p_nb, before + row[token])
        p = log_add(p_b, p_nb)
        bonus = nodes[n]["bonus"]
        if nodes[n]["lexicon"] < 0:
            bonus += run[0]["unknown"]
        if nodes[n]["hot"] >= 0:
            bonus += trie[nodes[n]["hot"]]["hot"]
        places[k]["next_b"], places[k]["next_nb"], places[k]["next_p"] = p_b, p_nb, p
        found[k]["place"], found[k]["token"] = k, -1
        found[k]["p"], found[k]["score"] = p, p + bonus


@inner
def extend(
    run: Records,
    tokens: Records,
    symbols: IntArray,
    places: Records,
    nodes: Records,
    trie: Records,
    found: Records,
    cache: Records,
    asked: Records,
    row: NDArray[np.float32],
    candidates: IntArray,
) -> int:
    """Add the new prefixes that may be in the next beam to those that stay.

    Returns how many are in it. Prefixes that ask the LM something new are not among
    them: then the frame is done again with the answers.
    """
    size, threshold = run[0]["beam_size"], run[0]["beam_threshold"]
    lexicon, hotwords = run[0]["lexicon"], run[0]["hotwords"]
    count, best, least = run[0]["beam"], -INF, -INF
    for k in range(count):
        best = max(best, found[k]["score"])
    if count == size:
        least = cut(found, count, size)
    for place in range(run[0]["beam"]):
        n = places[place]["node"]
        last, fixed = nodes[n]["token"], nodes[n]["bonus"]
        most = fixed + run[0]["most"]
        for token in candidates:
            p = places[place]["p_b"] if token == last else places[place]["p"]
            p += row[token]
            # Once `size` are found, a later one has to be better than the least.
            if p + most <= least or p + most < best - threshold or p == -INF:
                continue
            child = nodes[n]["child"]
            while child >= 0 and nodes[child]["token"] != token:
                child = nodes[child]["sibling"]
            if child >= 0 and nodes[child]["slot"] >= 0:
                continue  # in the beam already: see `stay`
            bonus, in_lexicon, in_hot = fixed, nodes[n]["lexicon"], nodes[n]["hot"]
            if tokens[token]["kind"] == STARTS and nodes[n]["word"] != 0:
                if not finish_word(run, nodes, trie, cache, asked, n):
                    continue
                bonus += nodes[n]["end_bonus"]
                in_lexicon, in_hot = lexicon, hotwords
            if run[0]["lm"] == TOKEN_LM:
                answer = ask(run, cache, asked, n, nodes[n]["state"], token, token + 2)
                if answer < 0:
                    continue
                bonus += cache[answer]["bonus"]
            if lexicon >= 0 and walk(trie, tokens, symbols, in_lexicon, token) < 0:
                if run[0]["closed"] == 1:
                    continue
                bonus += run[0]["unknown"]
            if in_hot >= 0:
                in_hot = walk(trie, tokens, symbols, in_hot, token)
                bonus += trie[in_hot]["hot"] if in_hot >= 0 else 0.0
            score = p + bonus
            if score <= least or score < best - threshold:
                continue
            best = max(best, score)
            found[count]["place"], found[count]["token"] = place, token
            found[count]["p"], found[count]["score"] = p, score
            count += 1
            if count == 2 * size:
                least = cut(found, count, size)
                count = size
    kept = ZERO
    for k in range(count):
        if found[k]["score"] >= best - threshold and found[k]["score"] > -INF:
            found[kept] = found[k]
            kept += 1
    if kept > size:
        cut(found, kept, size)
    return int(min(kept, size))


@inner
def grow(
    run: Records,
    tokens: Records,
    symbols: IntArray,
    nodes: Records,
    trie: Records,
    cache: Records,
    asked: Records,
    n: int,
    token: int,
) -> int:
    """The node of a prefix with one more token, made if it is not there yet."""
    child = nodes[n]["child"]
    while child >= 0 and nodes[child]["token"] != token:
        child = nodes[child]["sibling"]
    if child >= 0:
        return int(child)
    child = run[0]["nodes"]
    run[0]["nodes"] += 1
    nodes[child] = nodes[n]
    nodes[child]["parent"], nodes[child]["token"] = n, token
    nodes[child]["child"], nodes[child]["sibling"] = -1, nodes[n]["child"]
    nodes[n]["child"] = child
    nodes[child]["end_state"] = -1
    if tokens[token]["kind"] == STARTS and nodes[n]["word"] != 0:
        nodes[child]["state"] = nodes[n]["end_state"]
        nodes[child]["lm"] += nodes[n]["end_lm"]
        nodes[child]["bonus"] += nodes[n]["end_bonus"]
        nodes[child]["word"] = 0
        nodes[child]["lexicon"] = run[0]["lexicon"]
        nodes[child]["hot"] = run[0]["hotwords"]
    if run[0]["lm"] == TOKEN_LM:
        row = ask(run, cache, asked, n, nodes[child]["state"], token, token + 2)
        nodes[child]["state"] = cache[row]["state"]
        nodes[child]["lm"] += cache[row]["ln_prob"]
        nodes[child]["bonus"] += cache[row]["bonus"]
    if tokens[token]["first"] < tokens[token]["end"]:
        word = (nodes[child]["word"] ^ (token + 1)) * MIXER
        word ^= word >> 29
        nodes[child]["word"] = word if word != 0 else MIXER
    for_lexicon, for_hot = nodes[child]["lexicon"], nodes[child]["hot"]
    nodes[child]["lexicon"] = walk(trie, tokens, symbols, for_lexicon, token)
    nodes[child]["hot"] = walk(trie, tokens, symbols, for_hot, token)
    return int(child)


@inner
def take_over(
    run: Records,
    tokens: Records,
    symbols: IntArray,
    places: Records,
    nodes: Records,
    trie: Records,
    found: Records,
    cache: Records,
    asked: Records,
    count: int,
) -> None:
    """Make the chosen candidates the beam."""
    for k in range(run[0]["beam"]):
        nodes[places[k]["node"]]["slot"] = -1
    for k in range(count):  # found["place"] becomes the node
        n, token = places[found[k]["place"]]["node"], found[k]["token"]
        if token >= 0:
            n = grow(run, tokens, symbols, nodes, trie, cache, asked, n, token)
            p_b, p_nb = -INF, found[k]["p"]
        else:
            place = found[k]["place"]
            p_b, p_nb = places[place]["next_b"], places[place]["next_nb"]
        places[k]["p_b"], places[k]["p_nb"] = p_b, p_nb
        places[k]["p"] = found[k]["p"]
        found[k]["place"] = n
    for k in range(count):
        places[k]["node"] = found[k]["place"]
        nodes[places[k]["node"]]["slot"] = k
    run[0]["beam"] = count


@inner
def room(
    run: Records, places: Records, nodes: Records, cache: Records, candidates: int
) -> int:
    """What is too small for the next frame, if anything."""
    beam, size = run[0]["beam"], run[0]["beam_size"]
    children = beam * candidates
    run[0]["needed"] = min(beam + children, 2 * size)
    if run[0]["needed"] > len(places):
        return GROW_BEAM
    run[0]["needed"] = run[0]["nodes"] + min(children, size)
    if run[0]["needed"] > len(nodes):
        return GROW_NODES
    if run[0]["lm"] == NO_LM:
        return DONE
    questions = 2 * beam + (children if run[0]["lm"] == TOKEN_LM else 0)
    run[0]["needed"] = 4 * questions
    if run[0]["needed"] > len(cache):
        return GROW_CACHE
    if 2 * (questions + run[0]["cached"]) > len(cache):  # kept half empty
        for row in range(len(cache)):
            cache[row]["key"] = 0
        run[0]["cached"] = 0
    return DONE


@inner
def finish(
    run: Records,
    places: Records,
    nodes: Records,
    trie: Records,
    cache: Records,
    asked: Records,
) -> int:
    """Find what the last words and ``</s>`` add to every prefix of the beam."""
    any_whole = run[0]["closed"] == 0
    for k in range(run[0]["beam"]):
        n = places[k]["node"]
        if (
            nodes[n]["word"] == 0
            or any_whole
            or trie[nodes[n]["lexicon"]]["whole"] == 1
        ):
            any_whole = True
    run[0]["any_whole"] = any_whole
    for k in range(run[0]["beam"]):
        n = places[k]["node"]
        state, ln_prob = nodes[n]["state"], nodes[n]["lm"]
        places[k]["bonus"] = nodes[n]["bonus"]
        if any_whole and nodes[n]["word"] != 0:
            if not finish_word(run, nodes, trie, cache, asked, n):
                places[k]["bonus"] = -INF
                continue
            state = nodes[n]["end_state"]
            ln_prob += nodes[n]["end_lm"]
            places[k]["bonus"] += nodes[n]["end_bonus"]
        if run[0]["lm"] != NO_LM:
            row = ask(run, cache, asked, n, state, SENTENCE_END, SENTENCE_END)
            if row >= 0:
                places[k]["bonus"] += cache[row]["bonus"]
                ln_prob += cache[row]["ln_prob"]
        places[k]["lm"] = ln_prob
    return ASK_LM if run[0]["asked"] > 0 else DONE


@inner
def learn(run: Records, cache: Records, asked: Records) -> None:
    """Put the answers to all questions into the cache."""
    for k in range(run[0]["asked"]):
        row = asked[k]["row"]
        cache[row]["state"] = asked[k]["after"]
        cache[row]["ln_prob"] = asked[k]["ln_prob"]
        cache[row]["bonus"] = asked[k]["bonus"]
    run[0]["asked"] = 0


@compiled
def search(
    run: Records,
    tokens: Records,
    symbols: IntArray,
    places: Records,
    nodes: Records,
    trie: Records,
    found: Records,
    cache: Records,
    asked: Records,
    log_probs: NDArray[np.float32],
    candidates: IntArray,
    ends: NDArray[np.int64],
) -> int:
    """Search from frame ``run["frame"]`` on; return DONE, or what is needed to go on.

    The tokens to extend with at frame t are ``candidates[ends[t]:ends[t + 1]]``.
    """
    learn(run, cache, asked)
    while run[0]["frame"] < len(log_probs):
        t = run[0]["frame"]
        chosen = candidates[ends[t] : ends[t + 1]]
        status = room(run, places, nodes, cache, len(chosen))
        if status != DONE:
            return status
        for token in chosen:
            tokens[token]["tried"] = t
        stay(run, tokens, places, nodes, trie, found, log_probs[t])
        count = extend(
            run,
            tokens,
            symbols,
            places,
            nodes,
            trie,
            found,
            cache,
            asked,
            log_probs[t],
            chosen,
        )
        if run[0]["asked"] > 0:
            return ASK_LM
        take_over(run, tokens, symbols, places, nodes, trie, found, cache, asked, count)
        run[0]["frame"] += 1
    status = room(run, places, nodes, cache, ZERO)
    if status == DONE:
        status = finish(run, places, nodes, trie, cache, asked)
    return status
