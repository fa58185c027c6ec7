"""``lexicon.txt``: a word and its tokens a line."""

from collections.abc import Sequence
from pathlib import Path

from asr.errors import RecipeError
from asr.fsa.lexicon import Spelling


def read_lexicon(path: Path, tokens: Sequence[str]) -> dict[str, list[Spelling]]:
    """Token ids of all spellings of every word, in the file's order.

    Args:
        path: lines of ``WORD token token ...``; a word may have several.
        tokens: the tokens by their ids.

    Raises:
        RecipeError: no such file, an unknown token, or a word without any.
    """
    if not path.is_file():
        raise RecipeError(f"{path} is missing: lines of 'WORD token token ...'")
    ids = {token: i for i, token in enumerate(tokens)}
    lexicon: dict[str, list[Spelling]] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 text ({error.reason})") from error
    for number, line in enumerate(lines, 1):
        word, *spelled = line.split() or [""]
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
