"""Phones as units: text to token ids by a dictionary, other words by their letters."""

from collections.abc import Iterable
from pathlib import Path

from asr.errors import RecipeError
from asr.text.g2p import G2p, train_g2p
from asr.text.g2p_file import load_g2p, save_g2p
from asr.text.pronunciations import (
    Dictionary,
    key_of,
    phones_of,
    read_cmudict,
    read_dictionary,
    read_lexicon,
    teaches_spelling,
    write_dictionary,
)
from asr.text.tokenizer import (
    BLANK,
    UNK,
    UNK_ID,
    join_pieces,
    read_tokens,
    write_tokens,
)

PRONUNCIATIONS = "pronunciations.txt"  # the dictionary
GUESSED = "guessed.txt"  # words of the training text that it lacks
G2P = "g2p.npz"
LEARNED = "g2p_learned.npz"  # of a finished model, which comes without

Spelling = tuple[int, ...]


class PhoneTokenizer:
    """Phones of words, blank at 0 and ``<unk>`` at 1.

    A transcript has each word's first pronunciation; ``spell`` tells all of them.
    Words are looked up in upper case. No token says where a word begins.

    Args:
        tokens: all of them, by id.
        dictionary: pronunciations; it grows by what is guessed.
        g2p: for words outside; None if the dictionary was too small to learn from.
    """

    separator = " "

    def __init__(
        self, tokens: list[str], dictionary: Dictionary, g2p: G2p | None
    ) -> None:
        self.tokens = tokens
        self._ids = {token: i for i, token in enumerate(tokens)}
        self._g2p = g2p
        self._said: dict[str, tuple[Spelling, ...]] = {
            word: tuple(self._spell(said) for said in pronunciations)
            for word, pronunciations in dictionary.items()
        }

    @property
    def vocab_size(self) -> int:
        """Number of tokens, blank and unknown included."""
        return len(self.tokens)

    def encode(self, text: str) -> list[int]:
        """Token ids of a transcript; a word without pronunciation is ``UNK_ID``."""
        words = text.split()
        found = self.spell(words)
        return [i for w in words for i in (found[w][0] if w in found else (UNK_ID,))]

    def decode(self, ids: Iterable[int]) -> str:
        """The phones of token ids, with blanks between them."""
        return join_pieces((self.tokens[i] for i in ids), self.separator)

    def spell(self, words: Iterable[str]) -> dict[str, tuple[Spelling, ...]]:
        """All pronunciations of each word, the usual one first.

        Words outside the dictionary have the one that their letters suggest; words
        with other letters than the dictionary's are left out.
        """
        looked_up = {word: key_of(word) for word in words}
        self._guess({w for w in looked_up.values() if w not in self._said})
        return {w: self._said[key] for w, key in looked_up.items() if self._said[key]}

    def learn(self, dictionary: Dictionary, words: Iterable[str]) -> None:
        """Take pronunciations of words from another dictionary of the same phones."""
        for word in map(key_of, words):
            said = dictionary.get(word, [])
            if said and set(phones_of([said])) <= self._ids.keys():
                self._said[word] = tuple(self._spell(phones) for phones in said)

    def _guess(self, words: set[str]) -> None:
        """Add what the letters of words suggest, or that they suggest nothing."""
        found = self._g2p.pronounce(words) if self._g2p and words else {}
        for word in words:
            known = (self._spell(found[word]),) if word in found else ()
            self._said[word] = known

    def _spell(self, phones: Iterable[str]) -> Spelling:
        return tuple(self._ids[phone] for phone in phones)

    @classmethod
    def train(
        cls, texts: Iterable[str], out_dir: Path, lexicon: Path | None = None
    ) -> "PhoneTokenizer":
        """Learn to pronounce; write the lang folder's tokens and dictionary.

        Args:
            texts: transcripts, whose words outside the dictionary are pronounced
                here, all together.
            out_dir: gets ``tokens.txt``, ``pronunciations.txt``, ``guessed.txt``, and
                ``g2p.npz``.
            lexicon: instead of the CMU dictionary, see ``read_lexicon``.
        """
        dictionary = read_lexicon(lexicon) if lexicon else read_cmudict()
        tokens = [BLANK, UNK, *phones_of(dictionary.values())]
        g2p = train_g2p({w: p for w, p in dictionary.items() if teaches_spelling(w)})
        save_g2p(g2p, out_dir / G2P)
        write_dictionary(dictionary, out_dir / PRONUNCIATIONS)
        words = {key_of(word) for text in texts for word in text.split()}
        guessed = g2p.pronounce(word for word in words if word not in dictionary)
        write_dictionary({w: [guessed[w]] for w in sorted(guessed)}, out_dir / GUESSED)
        write_tokens(tokens, out_dir / "tokens.txt")
        return cls.load(out_dir)

    @classmethod
    def load(cls, lang_dir: Path) -> "PhoneTokenizer":
        """Read what ``train`` wrote; RecipeError if something is missing.

        Finished models have neither ``g2p.npz`` nor ``guessed.txt``: their words are
        those of their n-gram.
        """
        guesses = (lang_dir / GUESSED).is_file()
        if guesses and not (lang_dir / G2P).is_file():
            raise RecipeError(f"{lang_dir / G2P} is missing: run stage 3 first")
        tokens = read_tokens(lang_dir / "tokens.txt")
        dictionary = read_dictionary(lang_dir / PRONUNCIATIONS)
        if guesses and (lang_dir / GUESSED).stat().st_size:
            dictionary |= read_dictionary(lang_dir / GUESSED)
        unknown = set(phones_of(dictionary.values())) - set(tokens)
        if unknown:
            raise RecipeError(
                f"{lang_dir}: tokens.txt lacks {unknown.pop()}: redo stage 3"
            )
        g2p = load_g2p(lang_dir / G2P) if (lang_dir / G2P).is_file() else None
        return cls(tokens, dictionary, g2p)


def guess_spellings(lang_dir: Path, words: Iterable[str]) -> dict[str, Spelling]:
    """Token ids that the letters of words suggest, of a lang folder that cannot guess.

    Finished models come without ``g2p.npz``. What takes its place is learned from their
    dictionary the first time, which takes some seconds, and kept beside it.
    """
    upper = {word: word.upper() for word in words}
    if not upper or (lang_dir / G2P).is_file():
        return {}
    if not (lang_dir / LEARNED).is_file():
        dictionary = read_dictionary(lang_dir / PRONUNCIATIONS)
        usual = {w: said for w, said in dictionary.items() if teaches_spelling(w)}
        if not usual:
            return {}
        print(f"learning to pronounce from {len(usual)} words, once", flush=True)
        save_g2p(train_g2p(usual), lang_dir / LEARNED)
    ids = {token: i for i, token in enumerate(read_tokens(lang_dir / "tokens.txt"))}
    found = load_g2p(lang_dir / LEARNED).pronounce(set(upper.values()))
    return {
        word: tuple(ids[phone] for phone in found[key])
        for word, key in upper.items()
        if key in found
    }


def read_pronunciations(lang_dir: Path) -> dict[str, list[Spelling]]:
    """Token ids of all pronunciations of the dictionary's and the transcripts' words.

    The usual pronunciation comes first. Words are in upper case.
    """
    tokenizer = PhoneTokenizer.load(lang_dir)
    return {word: list(said) for word, said in tokenizer._said.items()}
