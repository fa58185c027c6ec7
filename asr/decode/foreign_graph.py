"""HLG for a model that is not ours: made once, kept as long as it fits."""

from pathlib import Path

from asr.atomic import remove, write_text
from asr.errors import RecipeError
from asr.fingerprint import fingerprint
from asr.fsa.graph import build_graphs
from asr.fsa.lexicon import (
    Spelling,
    read_arpa_words,
    read_lexicon,
    spell_in_tokens,
    with_space,
    write_lexicon,
)
from asr.text.foreign_tokens import ForeignTokens

MAX_ORDER = 3  # of G; longer n-grams make graphs that few machines can hold


def build_foreign_graph(
    tokens: ForeignTokens, arpa: Path, lexicon: Path | None, lang_dir: Path
) -> None:
    """Write ``lexicon.txt``, ``words.txt`` and ``HLG.pt``, unless they are there.

    Args:
        tokens: of the model.
        arpa: the n-gram; it cannot be KenLM's binary, which does not list its words.
        lexicon: spellings in the model's tokens; by default all words of the n-gram
            are spelled by ``spell_in_tokens``.
        lang_dir: gets the files.

    Raises:
        RecipeError: the n-gram is no ARPA file, or memory is too small for the graph.
    """
    used = [fingerprint(arpa), "" if lexicon is None else fingerprint(lexicon)]
    signature = "\n".join([*used, str(MAX_ORDER), *tokens.tokens, ""])
    done = lang_dir / "HLG.signature"
    graph = lang_dir / "HLG.pt"
    if (
        graph.is_file()
        and done.is_file()
        and done.read_text(encoding="utf-8") == signature
    ):
        print(f"{graph}: already there", flush=True)
        return
    remove(done)
    if not is_arpa(arpa):
        raise RecipeError(
            f"{arpa} is no ARPA file, which hlg needs (plain text, not compressed); "
            "beam-lm also takes KenLM's binary"
        )
    spelled = _lexicon(tokens, arpa, lexicon)
    write_lexicon(spelled, tokens.tokens, lang_dir)
    print(f"{lang_dir / 'lexicon.txt'}: {len(spelled)} words", flush=True)
    build_graphs(spelled, len(tokens.tokens), arpa, MAX_ORDER, lang_dir)
    write_text(done, signature)


def is_arpa(path: Path) -> bool:
    """Whether the file begins as ARPA files do."""
    with open(path, "rb") as file:
        return b"\\data\\" in file.read(4096)


def _lexicon(
    tokens: ForeignTokens, arpa: Path, lexicon: Path | None
) -> dict[str, list[Spelling]]:
    words = read_arpa_words(arpa)
    if lexicon is None:
        return spell_in_tokens(words, tokens.tokens, tokens.space)
    spelled = with_space(read_lexicon(lexicon, tokens.written), tokens.space)
    known = {word: spelled[word] for word in words if word in spelled}
    if not known:
        raise RecipeError(f"{lexicon} and {arpa} have no word in common")
    if len(known) < len(words):
        print(
            f"{len(words) - len(known)} words of {arpa} are not in {lexicon}: left out"
        )
    return known
