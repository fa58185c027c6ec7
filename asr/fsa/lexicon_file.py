"""``lexicon.txt``: a word and its tokens a line."""

from collections.abc import Sequence
from pathlib import Path

from asr.errors import RecipeError
from asr.fsa.lexicon import NOT_WORDS, Spelling
from asr.text.encoding import read_text


def read_lexicon(path: Path, tokens: Sequence[str]) -> dict[str, list[Spelling]]:
    """Token ids of all spellings of every word, in the file's order.

    Args:
        path: lines of ``WORD token token ...``; a word may have several. Marks such as
            ``<s>``, which n-grams and graphs have for themselves, are left out.
        tokens: the tokens by their ids.

    Raises:
        RecipeError: no such file, an unknown token, or a word without any.
    """
    if not path.is_file():
        raise RecipeError(f"{path} is missing: lines of 'WORD token token ...'")
    ids = {token: i for i, token in enumerate(tokens)}
    lexicon: dict[str, list[Spelling]] = {}
    for number, line in enumerate(read_text(path).split("\n"), 1):
        word, *spelled = line.split() or [""]
        if word in NOT_WORDS:
            continue
        unknown = [token for token in spelled if token not in ids]
        if unknown:
            raise RecipeError(
                f"{path}, line {number}: {unknown[0]} is no token of the model"
            )
        if word and not spelled:
            raise RecipeError(f"{path}, line {number}: {word} has no tokens")
        if word:
            spelling = tuple(ids[token] for token in spelled)
            if spelling not in lexicon.setdefault(word, []):
                lexicon[word].append(spelling)
    if not lexicon:
        raise RecipeError(f"{path}: no words in this file")
    return lexicon
