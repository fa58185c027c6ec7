"""Words spelled in a model's tokens where there is no tokenizer but its tokens.

Character models are plain. Of sentencepiece models the order of the ids tells enough:
a BPE model (Sennrich et al., ACL 2016) has its merges first, in their order, and the
single characters last; a unigram model (Kudo, ACL 2018) goes from frequent to rare, and
by Zipf's law a piece's frequency is then about the inverse of its rank.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from asr.errors import RecipeError
from asr.fsa.lexicon import Lexicon, Spelling
from asr.text.tokenizer import BLANK_ID, WORD_START


def spell_in_tokens(
    words: Iterable[str], tokens: Sequence[str], space: int | None
) -> dict[str, list[Spelling]]:
    """Token ids of each word, which has one spelling.

    Args:
        tokens: in the recipe's form, by their ids.
        space: id of a space that stands between words, which then ends every word;
            None where ``▁`` begins them.

    Words with a character that no token has are left out, and their number printed.

    Raises:
        RecipeError: no word can be spelled.
    """
    ids = {token: i for i, token in enumerate(tokens) if i != BLANK_ID}
    cut = _merge if characters_come_last(tokens) else _likeliest
    end = () if space is None else (space,)
    begin = WORD_START if space is None else ""
    if not any(token.startswith(WORD_START) for token in tokens):
        begin = ""  # no word ever begins: the whole utterance is one
    lexicon, left_out = {}, []
    for word in words:
        spelled = cut(begin + word, ids)
        if spelled is None:
            left_out.append(word)
        else:
            lexicon[word] = [(*spelled, *end)]
    if left_out:
        names = ", ".join(left_out[:3])
        print(f"{len(left_out)} words cannot be spelled in tokens ({names}): left out")
    if not lexicon:
        raise RecipeError(
            "no word of the LM can be spelled in the model's tokens (upper and lower "
            "case?): give another --lm, or --lexicon FILE"
        )
    return lexicon


def with_space(lexicon: Lexicon, space: int | None) -> dict[str, list[Spelling]]:
    """Spellings that all end in the space and do not begin with it, if there is one."""
    if space is None:
        return {word: list(spellings) for word, spellings in lexicon.items()}
    return {
        word: [(*(i for i in spelling if i != space), space) for spelling in spellings]
        for word, spellings in lexicon.items()
    }


def characters_come_last(tokens: Sequence[str]) -> bool:
    """Whether the pieces of one character are the last ones, as BPE has them."""
    single = [len(token) == 1 for token in tokens[1:] if token[:1] != "<"]
    return all(single[single.index(True) :]) if True in single else False


def _merge(text: str, ids: Mapping[str, int]) -> Spelling | None:
    """Merge neighbours, the earliest merge of the training first."""
    symbols = list(text)
    while len(symbols) > 1:
        pairs = [ids.get(a + b, len(ids) + 2) for a, b in pairwise(symbols)]
        best = min(pairs)
        if best == len(ids) + 2:
            break
        at = pairs.index(best)
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
    if any(symbol not in ids for symbol in symbols):
        return None
    return tuple(ids[symbol] for symbol in symbols)


def _likeliest(text: str, ids: Mapping[str, int]) -> Spelling | None:
    """The pieces with the highest product of frequencies, by Zipf's law."""
    harmonic = math.log(len(ids) + 1) + 0.5772  # sum of 1/1, 1/2, ... 1/V, about
    longest = max(map(len, ids))
    best: list[tuple[float, Spelling] | None] = [(0.0, ())]
    for end in range(1, len(text) + 1):
        options = []
        for begin in range(max(0, end - longest), end):
            before, piece = best[begin], ids.get(text[begin:end])
            if before is not None and piece is not None:
                cost = before[0] + math.log((piece + 1) * harmonic)
                options.append((cost, (*before[1], piece)))
        best.append(min(options, default=None))
    return None if best[-1] is None else best[-1][1]
